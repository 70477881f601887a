import type { INamespace, Root, Type, Writer } from 'protobufjs';

/** Bytes of one message type, both ways. int64 fields are numbers; bytes fields are views of what was received. */
export interface MessageCodec<T> {
  /** For grpc-js: see `EncodedMessage`. */
  serialize(message: T): Buffer;
  deserialize(bytes: Buffer): T;
}

/** The codecs of a descriptor's messages. protobufjs is loaded, and a message compiled, when the first one travels. */
export class Codecs {
  readonly #descriptor: INamespace;
  readonly #byName = new Map<string, CompiledCodec>();
  #root: Root | null = null;

  constructor(descriptor: unknown) {
    this.#descriptor = descriptor as INamespace;
  }

  /** `name` is the full name of a message, such as `ottla.v1.ProduceRequest`. */
  of<T>(name: string): MessageCodec<T> {
    return {
      serialize: (message) => this.#compiled(name).serialize(message as object),
      deserialize: (bytes) => this.#compiled(name).deserialize(bytes) as T,
    };
  }

  #compiled(name: string): CompiledCodec {
    let codec = this.#byName.get(name);
    if (codec === undefined) {
      this.#root ??= loadProtobuf().Root.fromJSON(this.#descriptor);
      codec = new CompiledCodec(this.#root.lookupType(name));
      this.#byName.set(name, codec);
    }
    return codec;
  }
}

class CompiledCodec {
  readonly #type: Type;
  readonly #longs: LongFields;

  constructor(type: Type) {
    this.#type = type;
    this.#longs = longFieldsOf(type, new Map());
  }

  serialize(message: object): Buffer {
    return new EncodedMessage(this.#type.encode(message)) as unknown as Buffer;
  }

  deserialize(bytes: Buffer): object {
    const message = this.#type.decode(bytes) as unknown as Record<string, unknown>;
    longsToNumbers(message, this.#longs);
    return message;
  }
}

/** What protobufjs has noted to write: the field `next` chains it. */
interface WriteStep {
  readonly fn: (value: unknown, target: Uint8Array, at: number) => void;
  readonly len: number;
  readonly val: unknown;
  readonly next: WriteStep | undefined;
}

/**
 * A message that is written when grpc-js copies it behind its five bytes of prefix, which is all that it does with what
 * a serializer gives: so records are copied once on their way out, and no buffer is made that is dropped at once.
 */
export class EncodedMessage {
  readonly length: number;
  readonly byteLength: number;
  readonly #first: WriteStep;

  constructor({ head, len }: Writer) {
    this.#first = head as WriteStep;
    this.length = len;
    this.byteLength = len;
  }

  copy(target: Uint8Array, start: number): number {
    let at = start;
    for (let step: WriteStep | undefined = this.#first; step !== undefined; step = step.next) {
      step.fn(step.val, target, at);
      at += step.len;
    }
    return at - start;
  }
}

/** Where a message holds int64 fields, which protobufjs reads as Long objects. */
interface LongFields {
  readonly singular: string[];
  readonly repeated: string[];
  readonly nested: { readonly name: string; readonly kind: 'singular' | 'repeated' | 'map'; readonly of: LongFields }[];
}

interface Long {
  toNumber(): number;
}

const LONG_TYPES = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

function longFieldsOf(type: Type, seen: Map<Type, LongFields>): LongFields {
  const known = seen.get(type);
  if (known !== undefined) return known;
  const fields: LongFields = { singular: [], repeated: [], nested: [] };
  seen.set(type, fields);
  for (const field of type.fieldsArray) {
    field.resolve();
    if (LONG_TYPES.has(field.type)) (field.repeated ? fields.repeated : fields.singular).push(field.name);
    if (!(field.resolvedType instanceof loadProtobuf().Type)) continue;
    const of = longFieldsOf(field.resolvedType, seen);
    if (isEmpty(of)) continue;
    fields.nested.push({ name: field.name, kind: field.map ? 'map' : field.repeated ? 'repeated' : 'singular', of });
  }
  return fields;
}

function isEmpty(fields: LongFields): boolean {
  return fields.singular.length + fields.repeated.length + fields.nested.length === 0;
}

function longsToNumbers(message: Record<string, unknown>, fields: LongFields): void {
  for (const name of fields.singular) message[name] = toNumber(message[name] as Long | number);
  for (const name of fields.repeated) message[name] = (message[name] as (Long | number)[]).map(toNumber);
  for (const { name, kind, of } of fields.nested) {
    const value = message[name] as Record<string, unknown> | null;
    if (value === null) continue;
    if (kind === 'singular') longsToNumbers(value, of);
    else for (const one of Object.values(value)) longsToNumbers(one as Record<string, unknown>, of);
  }
}

function toNumber(value: Long | number): number {
  return typeof value === 'number' ? value : value.toNumber();
}

function loadProtobuf(): typeof import('protobufjs/light') {
  return require('protobufjs/light');
}
