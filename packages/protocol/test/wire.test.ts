import fc from 'fast-check';
import { OttlaError } from '../src';
import { Reader } from '../src/wire/reader';
import { unsignedVarintSize, varintSize } from '../src/wire/varint';
import { Writer } from '../src/wire/writer';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function written(write: (writer: Writer) => void): string {
  const writer = new Writer(1);
  write(writer);
  const { chunks } = writer.finish();
  return chunks.map((chunk) => Buffer.from(chunk as Uint8Array).toString('hex')).join('');
}

describe('varints', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31, '8080808008'],
    [2 ** 32 - 1, 'ffffffff0f'],
  ])('unsigned %d is %s', (value, wire) => {
    expect(written((writer) => writer.unsignedVarint(value))).toBe(wire);
    expect(new Reader(hex(wire)).unsignedVarint()).toBe(value);
    expect(unsignedVarintSize(value)).toBe(wire.length / 2);
  });

  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [2 ** 31 - 1, 'feffffff0f'],
    [-(2 ** 31), 'ffffffff0f'],
  ])('zigzag %d is %s, of 32 and of 64 bits', (value, wire) => {
    expect(written((writer) => writer.varint(value))).toBe(wire);
    expect(new Reader(hex(wire)).varint()).toBe(value);
    expect(new Reader(hex(wire)).varlong()).toBe(value);
    expect(varintSize(value)).toBe(wire.length / 2);
  });

  it('every safe integer survives as a varlong, in as many bytes as announced', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const wire = written((writer) => writer.varint(value));
        expect([new Reader(hex(wire)).varlong(), varintSize(value)]).toEqual([value, wire.length / 2]);
      }),
    );
  });

  it.each([
    ['feffffffffffffffff01', Number.MAX_SAFE_INTEGER],
    ['ffffffffffffffffff01', Number.MIN_SAFE_INTEGER],
  ])('a varlong outside the safe integers (%s) is clamped', (wire, value) => {
    expect(new Reader(hex(wire)).varlong()).toBe(value);
  });

  it.each(['', '80', 'ffffffff', 'ffffffff1f', 'ffffffff8f00', '808080808000'])(
    'a varint that is no 32 bits (%s) is refused',
    (wire) => {
      expect(() => new Reader(hex(wire)).unsignedVarint()).toThrow(OttlaError);
    },
  );

  it.each(['', 'ff', 'ffffffffffffffffff02', 'ffffffffffffffffff8100'])(
    'a varlong that is no 64 bits (%s) is refused',
    (wire) => {
      expect(() => new Reader(hex(wire)).varlong()).toThrow(OttlaError);
    },
  );
});

describe('primitives', () => {
  it('are written and read as the same, whatever their order', () => {
    const one = fc.oneof(
      fc.record({ kind: fc.constant('int8' as const), value: fc.integer({ min: -128, max: 127 }) }),
      fc.record({ kind: fc.constant('int16' as const), value: fc.integer({ min: -32768, max: 32767 }) }),
      fc.record({ kind: fc.constant('int32' as const), value: fc.integer() }),
      fc.record({ kind: fc.constant('int64' as const), value: fc.maxSafeInteger() }),
      fc.record({ kind: fc.constant('float64' as const), value: fc.double() }),
      fc.record({ kind: fc.constant('uuid' as const), value: fc.uuid() }),
      fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(one), (list) => {
        const wire = written((writer) => {
          for (const { kind, value } of list) (writer[kind] as (v: unknown) => void).call(writer, value);
        });
        const reader = new Reader(hex(wire));
        expect(list.map(({ kind }) => reader[kind]())).toEqual(list.map(({ value }) => value));
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it.each([true, false])('strings and byte strings of any length and content survive (compact: %s)', (compact) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
        const wire = written((writer) => {
          writer.string(text, compact);
          writer.byteString(bytes, compact);
          writer.nullString(compact);
        });
        const reader = new Reader(hex(wire));
        expect([reader.string(compact), reader.byteString(compact), reader.string(compact)]).toEqual([
          text,
          bytes,
          null,
        ]);
      }),
    );
  });

  it('bytes that are no UTF-8 read as the replacement character, as in Kafka', () => {
    expect(new Reader(hex('0003ff6180')).string(false)).toBe('\ufffda\ufffd');
  });

  it('a uuid of either case is the same 16 bytes', () => {
    const upper = 'AB0E8B6C-5D9B-4B5E-9A59-0123456789AF';
    expect(written((writer) => writer.uuid(upper))).toBe('ab0e8b6c5d9b4b5e9a590123456789af');
    expect(new Reader(hex('ab0e8b6c5d9b4b5e9a590123456789af')).uuid()).toBe(upper.toLowerCase());
  });

  it('byte strings are views of the frame, not copies', () => {
    const frame = hex('00000002aabb');
    expect(new Reader(frame).byteString(false)!.buffer).toBe(frame.buffer);
  });

  it.each(['fffe', '8000'])('a string length of %s, below null, is refused', (wire) => {
    expect(() => new Reader(hex(wire)).string(false)).toThrow(/a length of -/);
  });
});
