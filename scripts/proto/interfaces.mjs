// TypeScript interfaces for the messages of a protobufjs root. int64 fields are numbers, bytes Uint8Array.

const SCALARS = {
  double: 'number',
  float: 'number',
  int32: 'number',
  uint32: 'number',
  sint32: 'number',
  fixed32: 'number',
  sfixed32: 'number',
  int64: 'number',
  uint64: 'number',
  sint64: 'number',
  fixed64: 'number',
  sfixed64: 'number',
  bool: 'boolean',
  string: 'string',
  bytes: 'Uint8Array',
};

export function interfaces(protobuf, root, packages) {
  const lines = [];
  for (const name of new Set(packages)) {
    for (const type of typesOf(protobuf, root.lookup(name))) {
      lines.push(...(type instanceof protobuf.Enum ? enumLines(type) : messageLines(protobuf, type)));
    }
  }
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}`;
}

function typesOf(protobuf, namespace) {
  const found = [];
  for (const member of namespace.nestedArray) {
    if (member instanceof protobuf.Enum) found.push(member);
    else if (member instanceof protobuf.Type) found.push(member, ...typesOf(protobuf, member));
  }
  return found;
}

function enumLines(type) {
  const members = Object.entries(type.values).map(([name, value]) => `  ${name}: ${value},`);
  return [
    '',
    ...comment(type.comment, ''),
    `export const ${type.name} = {`,
    ...members,
    '} as const;',
    `export type ${type.name} = (typeof ${type.name})[keyof typeof ${type.name}];`,
    '',
  ];
}

function messageLines(protobuf, type) {
  const fields = type.fieldsArray.flatMap((field) => [
    ...comment(field.comment, '  '),
    `  ${field.name}${mark(protobuf, field)}: ${fieldType(protobuf, field)};`,
  ]);
  const head = [...comment(type.comment, '')];
  if (fields.length === 0) return ['', ...head, `export type ${type.name} = Record<string, never>;`, ''];
  return ['', ...head, `export interface ${type.name} {`, ...fields, '}', ''];
}

/** Messages and members of a oneof may be absent. */
function mark(protobuf, field) {
  const singularMessage = !field.repeated && !field.map && field.resolvedType instanceof protobuf.Type;
  return field.partOf || singularMessage ? '?' : '';
}

function fieldType(protobuf, field) {
  const one = field.resolvedType ? field.resolvedType.name : SCALARS[field.type];
  if (field.map) return `Record<string, ${one}>`;
  if (field.repeated) return `${one}[]`;
  return mark(protobuf, field) === '?' ? `${one} | null` : one;
}

function comment(text, indent) {
  if (!text) return [];
  const lines = text.split('\n');
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}
