// google.protobuf.FileDescriptorProto of each file of proto/, for server reflection.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TYPES = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  message: 11,
  bytes: 12,
  uint32: 13,
  enum: 14,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
};
const OPTIONAL = 1;
const REPEATED = 3;

/** A module with each file's name, the symbols it defines, and its descriptor in base64. */
export function fileDescriptors(protobuf, descriptor, source, files) {
  const entries = files.map((file) => {
    const root = new protobuf.Root();
    const { package: packageName, imports = [] } = protobuf.parse(readFileSync(join(source, file), 'utf8'), root, {
      keepCase: true,
    });
    const own = root.lookup(packageName);
    // Types of other files are needed to tell messages from enums, not to be described again.
    const ownMembers = [...own.nestedArray];
    for (const path of imports) protobuf.parse(readFileSync(join(source, path), 'utf8'), root, { keepCase: true });
    root.resolveAll();
    const message = {
      name: file,
      package: packageName,
      dependency: imports,
      messageType: ownMembers.filter((member) => member instanceof protobuf.Type).map((t) => messageOf(protobuf, t)),
      enumType: ownMembers.filter((member) => member instanceof protobuf.Enum).map(enumOf),
      service: ownMembers.filter((member) => member instanceof protobuf.Service).map(serviceOf),
      syntax: 'proto3',
    };
    const { FileDescriptorProto } = descriptor;
    const bytes = FileDescriptorProto.encode(FileDescriptorProto.fromObject(message)).finish();
    const symbols = ownMembers.flatMap((member) => symbolsOf(protobuf, member));
    return { name: file, dependencies: imports, symbols, descriptor: Buffer.from(bytes).toString('base64') };
  });
  return `export const fileDescriptors = ${JSON.stringify(entries, null, 1)};\n`;
}

function symbolsOf(protobuf, member) {
  const own = [fullName(member)];
  if (member instanceof protobuf.Service) own.push(...member.methodsArray.map((method) => `${own[0]}.${method.name}`));
  if (member instanceof protobuf.Type) own.push(...member.nestedArray.flatMap((n) => symbolsOf(protobuf, n)));
  return own;
}

function fullName(member) {
  return member.fullName.slice(1);
}

function messageOf(protobuf, type) {
  const maps = type.fieldsArray.filter((field) => field.map);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => fieldOf(protobuf, type, field)),
    nestedType: [
      ...type.nestedArray.filter((nested) => nested instanceof protobuf.Type).map((n) => messageOf(protobuf, n)),
      ...maps.map((field) => mapEntryOf(protobuf, field)),
    ],
    enumType: type.nestedArray.filter((nested) => nested instanceof protobuf.Enum).map(enumOf),
    oneofDecl: type.oneofsArray.map((oneof) => ({ name: oneof.name })),
  };
}

function fieldOf(protobuf, type, field) {
  const described = {
    name: field.name,
    number: field.id,
    label: field.repeated || field.map ? REPEATED : OPTIONAL,
    jsonName: camelCase(field.name),
  };
  if (field.partOf) described.oneofIndex = type.oneofsArray.indexOf(field.partOf);
  if (field.map) return { ...described, type: TYPES.message, typeName: `${type.fullName}.${entryName(field)}` };
  return { ...described, ...typeOf(protobuf, field) };
}

function typeOf(protobuf, field) {
  if (!field.resolvedType) return { type: TYPES[field.type] };
  const kind = field.resolvedType instanceof protobuf.Enum ? 'enum' : 'message';
  return { type: TYPES[kind], typeName: field.resolvedType.fullName };
}

function mapEntryOf(protobuf, field) {
  return {
    name: entryName(field),
    field: [
      { name: 'key', number: 1, label: OPTIONAL, type: TYPES[field.keyType], jsonName: 'key' },
      { name: 'value', number: 2, label: OPTIONAL, jsonName: 'value', ...typeOf(protobuf, field) },
    ],
    options: { mapEntry: true },
  };
}

function entryName(field) {
  const camel = camelCase(field.name);
  return `${camel[0].toUpperCase()}${camel.slice(1)}Entry`;
}

function camelCase(name) {
  return name.replace(/_([a-z0-9])/g, (_match, letter) => letter.toUpperCase());
}

function enumOf(type) {
  return { name: type.name, value: Object.entries(type.values).map(([name, number]) => ({ name, number })) };
}

function serviceOf(service) {
  return {
    name: service.name,
    method: service.methodsArray.map((method) => ({
      name: method.name,
      inputType: method.resolvedRequestType.fullName,
      outputType: method.resolvedResponseType.fullName,
      ...(method.requestStream && { clientStreaming: true }),
      ...(method.responseStream && { serverStreaming: true }),
    })),
  };
}
