import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  type BatchInput,
  checkProducedBatches,
  compressionOf,
  crc32c,
  decodeBatch,
  encodeBatch,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffset,
  OttlaError,
  readBatchHeader,
  setLogAppendTime,
  stampBatch,
  verifyBatch,
} from '../src';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const LIMITS = { maxMessageBytes: 1_048_588 };

const sample: BatchInput = {
  records: [
    { timestamp: 1_700_000_000_000, key: utf8('k1'), value: utf8('one'), headers: [{ key: 'origin', value: null }] },
    { timestamp: 1_699_999_999_000, key: null, value: utf8('two') },
    { timestamp: 1_700_000_000_500, key: utf8('k3'), value: null },
  ],
};

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset);
}

/** The sample batch after `change`, with its CRC made right again. */
function altered(change: (bytes: DataView) => void, input: BatchInput = sample): Uint8Array {
  const bytes = encodeBatch(input);
  change(view(bytes));
  view(bytes).setUint32(17, crc32c(bytes.subarray(21)));
  return bytes;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof OttlaError) return error.code;
    throw error;
  }
  return 'NONE';
}

const records = fc.array(
  fc.record({
    timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
    key: fc.option(fc.uint8Array({ maxLength: 80 })),
    value: fc.option(fc.uint8Array({ maxLength: 200 })),
    headers: fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value: fc.option(fc.uint8Array()) }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 10 },
);

describe('a batch written', () => {
  it('has the header that its records make', () => {
    const bytes = encodeBatch({ ...sample, producerId: 9, producerEpoch: 2, baseSequence: 5 });
    const { crc, ...header } = readBatchHeader(bytes);
    expect(crc).toBe(crc32c(bytes.subarray(21)));
    expect(header).toEqual({
      baseOffset: 0,
      batchLength: bytes.length,
      partitionLeaderEpoch: -1,
      magic: 2,
      attributes: 0,
      lastOffsetDelta: 2,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_500,
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 5,
      recordCount: 3,
    });
  });

  it('is read as the same records, at consecutive offsets', () => {
    fc.assert(
      fc.property(records, fc.nat(), (list, baseOffset) => {
        const bytes = encodeBatch({ records: list, baseOffset });
        const header = readBatchHeader(bytes);
        verifyBatch(bytes, 0, header);
        const expected = list.map((record, i) => ({ ...record, offset: baseOffset + i }));
        expect(decodeBatch(bytes, 0, header)).toEqual(expected);
      }),
    );
  });

  it('with a codec is opened by that codec', () => {
    const compression = { name: 'gzip' as const, compress: (payload: Uint8Array) => gzipSync(payload) };
    const bytes = encodeBatch({ ...sample, compression });
    const header = readBatchHeader(bytes);
    expect(compressionOf(header)).toBe('gzip');
    const decoded = decodeBatch(bytes, 0, header, (codec, payload) => {
      expect(codec).toBe('gzip');
      return gunzipSync(payload);
    });
    expect(decoded.map(({ value }) => value && Buffer.from(value).toString())).toEqual(['one', 'two', null]);
  });

  it('carries its attributes', () => {
    const header = readBatchHeader(encodeBatch({ ...sample, transactional: true, control: true }));
    expect([isTransactional(header), isControl(header), isLogAppendTime(header)]).toEqual([true, true, false]);
  });

  it('without records is refused', () => {
    expect(codeOf(() => encodeBatch({ records: [] }))).toBe('INVALID_RECORD');
  });
});

describe('patching in place', () => {
  it('stampBatch: sets offset and epoch, and leaves the CRC right', () => {
    const bytes = Uint8Array.from([9, 9, 9, ...encodeBatch(sample)]);
    stampBatch(bytes, 3, 2 ** 40 + 7, 12);
    const header = readBatchHeader(bytes, 3);
    expect([header.baseOffset, header.partitionLeaderEpoch, lastOffset(header)]).toEqual([
      2 ** 40 + 7,
      12,
      2 ** 40 + 9,
    ]);
    verifyBatch(bytes, 3, header);
    expect([...bytes.subarray(0, 3)]).toEqual([9, 9, 9]);
  });

  it('setLogAppendTime: gives every record the time and makes the CRC right', () => {
    const bytes = Uint8Array.from([...encodeBatch(sample), ...encodeBatch(sample)]);
    const second = bytes.length / 2;
    setLogAppendTime(bytes, second, 1_800_000_000_000);
    const header = readBatchHeader(bytes, second);
    verifyBatch(bytes, second, header);
    expect(isLogAppendTime(header)).toBe(true);
    const times = decodeBatch(bytes, second, header).map(({ timestamp }) => timestamp);
    expect(times).toEqual([1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000]);
    expect(isLogAppendTime(readBatchHeader(bytes))).toBe(false);
  });
});

describe('a header', () => {
  it.each([
    ['cut short', encodeBatch(sample).subarray(0, BATCH_HEADER_BYTES - 1)],
    ['empty', new Uint8Array(0)],
    ['of zeros', new Uint8Array(BATCH_HEADER_BYTES)],
    ['with a length below its own', altered((bytes) => bytes.setInt32(8, 48))],
    ['with a negative length', altered((bytes) => bytes.setInt32(8, -1))],
  ])('%s is CORRUPT_MESSAGE', (_, bytes) => expect(codeOf(() => readBatchHeader(bytes))).toBe('CORRUPT_MESSAGE'));

  it('outside the bytes is CORRUPT_MESSAGE', () => {
    const bytes = encodeBatch(sample);
    expect([-1, bytes.length, 2 ** 31].map((at) => codeOf(() => readBatchHeader(bytes, at)))).toEqual(
      Array(3).fill('CORRUPT_MESSAGE'),
    );
  });
});

describe('verifyBatch', () => {
  it('notices any single damaged byte that the CRC covers', () => {
    const bytes = encodeBatch(sample);
    for (let at = 17; at < bytes.length; at++) {
      bytes[at]! ^= 0x10;
      expect([at, codeOf(() => verifyBatch(bytes, 0, readBatchHeader(bytes)))]).toEqual([at, 'CORRUPT_MESSAGE']);
      bytes[at]! ^= 0x10;
    }
  });

  it.each([
    [0, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    [1, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    [3, 'CORRUPT_MESSAGE'],
    [-1, 'CORRUPT_MESSAGE'],
  ])('magic %d is %s', (magic, code) => {
    const bytes = altered((batch) => batch.setInt8(16, magic));
    expect(codeOf(() => verifyBatch(bytes, 0, readBatchHeader(bytes)))).toBe(code);
  });

  it('refuses a batch that ends after the bytes, and negative counts', () => {
    const cut = encodeBatch(sample).subarray(0, 70);
    expect(codeOf(() => verifyBatch(cut, 0, readBatchHeader(cut)))).toBe('CORRUPT_MESSAGE');
    const negative = altered((bytes) => bytes.setInt32(23, -5));
    expect(codeOf(() => verifyBatch(negative, 0, readBatchHeader(negative)))).toBe('CORRUPT_MESSAGE');
  });
});

describe('checkProducedBatches', () => {
  it('gives the header of each batch', () => {
    const bytes = Uint8Array.from([...encodeBatch(sample), ...encodeBatch({ records: [sample.records[0]!] })]);
    expect(checkProducedBatches(bytes, LIMITS).map(({ recordCount }) => recordCount)).toEqual([3, 1]);
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'INVALID_RECORD'],
    ['a cut batch', encodeBatch(sample).subarray(0, 80), 'CORRUPT_MESSAGE'],
    ['a cut header', encodeBatch(sample).subarray(0, 30), 'CORRUPT_MESSAGE'],
    ['bytes after the last batch', Uint8Array.from([...encodeBatch(sample), 0]), 'CORRUPT_MESSAGE'],
    ['a length that is too large', altered((bytes) => bytes.setInt32(8, 1000)), 'CORRUPT_MESSAGE'],
    [
      'format v0, shorter than a v2 header',
      Uint8Array.from({ length: 40 }, (_, i) => (i === 11 ? 28 : 0)),
      'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    ],
    ['format v1', altered((bytes) => bytes.setInt8(16, 1)), 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    ['more records claimed than offsets', altered((bytes) => bytes.setInt32(57, 4)), 'INVALID_RECORD'],
    ['more offsets claimed than records', altered((bytes) => bytes.setInt32(23, 3)), 'INVALID_RECORD'],
    ['no records', altered((bytes) => bytes.setInt32(57, 0)), 'INVALID_RECORD'],
    ['a control batch', encodeBatch({ ...sample, control: true }), 'INVALID_RECORD'],
    ['a transactional batch', encodeBatch({ ...sample, transactional: true }), 'INVALID_TXN_STATE'],
    ['LogAppendTime', altered((bytes) => bytes.setInt16(21, 8)), 'INVALID_TIMESTAMP'],
    ['an unknown codec', altered((bytes) => bytes.setInt16(21, 5)), 'UNSUPPORTED_COMPRESSION_TYPE'],
    ['a producer id without a sequence', encodeBatch({ ...sample, producerId: 4, producerEpoch: 0 }), 'INVALID_RECORD'],
    ['a producer id without an epoch', encodeBatch({ ...sample, producerId: 4, baseSequence: 0 }), 'INVALID_RECORD'],
    ['a negative producer id', encodeBatch({ ...sample, producerId: -2 }), 'INVALID_RECORD'],
  ])('refuses %s', (_, bytes, code) => expect(codeOf(() => checkProducedBatches(bytes, LIMITS))).toBe(code));

  it('refuses a batch above the limit, says the limit and the setting, and takes one at the limit', () => {
    const bytes = encodeBatch(sample);
    expect(() => checkProducedBatches(bytes, { maxMessageBytes: bytes.length - 1 })).toThrow(
      expect.objectContaining({
        code: 'MESSAGE_TOO_LARGE',
        message: expect.stringContaining(`max.message.bytes (${bytes.length - 1})`),
      }),
    );
    expect(checkProducedBatches(bytes, { maxMessageBytes: bytes.length })).toHaveLength(1);
  });

  it('refuses a payload that is missing though records are claimed', () => {
    const bytes = encodeBatch(sample).slice(0, BATCH_HEADER_BYTES);
    view(bytes).setInt32(8, BATCH_HEADER_BYTES - 12);
    view(bytes).setUint32(17, crc32c(bytes.subarray(21)));
    expect(codeOf(() => checkProducedBatches(bytes, LIMITS))).toBe('INVALID_RECORD');
  });

  it('never throws anything but an OttlaError, whatever the bytes', () => {
    const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(damage, fc.nat(200), fc.boolean(), (changes, length, repairCrc) => {
        const bytes = encodeBatch(sample).slice(0, 61 + length);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        if (repairCrc) view(bytes).setUint32(17, crc32c(bytes.subarray(21)));
        codeOf(() => checkProducedBatches(bytes, LIMITS));
      }),
      { numRuns: 500 },
    );
  });
});

describe('decodeBatch', () => {
  const header = (bytes: Uint8Array, change: Partial<BatchHeader> = {}) => ({ ...readBatchHeader(bytes), ...change });

  it('gives views of the batch, not copies', () => {
    const bytes = encodeBatch(sample);
    expect(decodeBatch(bytes, 0, header(bytes))[0]!.value!.buffer).toBe(bytes.buffer);
  });

  it.each([
    ['more records claimed than are there', { recordCount: 4 }],
    ['fewer records claimed than are there', { recordCount: 2 }],
    ['absurdly many records', { recordCount: 2 ** 31 - 1 }],
    ['a negative count', { recordCount: -1 }],
    ['a batch that ends after the bytes', { batchLength: 10_000 }],
  ])('%s: CORRUPT_MESSAGE', (_, change) => {
    const bytes = encodeBatch(sample);
    expect(codeOf(() => decodeBatch(bytes, 0, header(bytes, change)))).toBe('CORRUPT_MESSAGE');
  });

  it('compressed, and without a codec to open it, is UNSUPPORTED_COMPRESSION_TYPE', () => {
    const bytes = altered((batch) => batch.setInt16(21, 4));
    expect(codeOf(() => decodeBatch(bytes, 0, header(bytes)))).toBe('UNSUPPORTED_COMPRESSION_TYPE');
  });

  it("a codec's failure is CORRUPT_MESSAGE with its cause, unless it is an error of its own", () => {
    const bytes = altered((batch) => batch.setInt16(21, 1));
    expect(() => decodeBatch(bytes, 0, header(bytes), gunzipSync as never)).toThrow(OttlaError);
    const opened = (error: Error) => () =>
      decodeBatch(bytes, 0, header(bytes), () => {
        throw error;
      });
    expect(opened(new Error('incorrect header'))).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }));
    expect(opened(new OttlaError('MESSAGE_TOO_LARGE', 'bomb'))).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }),
    );
  });

  it('a damaged payload is read or CORRUPT_MESSAGE, never anything else', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0xff, 0x80, 0x7f, 1, 0), fc.nat(255))), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(records, damage, fc.integer({ min: -3, max: 20 }), (list, changes, extra) => {
        const bytes = encodeBatch({ records: list });
        for (const [at, byte] of changes) {
          bytes[BATCH_HEADER_BYTES + (at % (bytes.length - BATCH_HEADER_BYTES))] = byte;
        }
        const claimed = header(bytes, { recordCount: Math.max(list.length + extra, 0) });
        expect(['NONE', 'CORRUPT_MESSAGE']).toContain(codeOf(() => decodeBatch(bytes, 0, claimed)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('crc32c', () => {
  it.each([
    ['', 0],
    ['123456789', 0xe3069283],
  ])('of %p is the published check value', (text, value) => expect(crc32c(utf8(text))).toBe(value));

  it('sees only the part of the memory that a view covers', () => {
    const memory = utf8('xx123456789yy');
    expect(crc32c(memory.subarray(2, 11))).toBe(0xe3069283);
  });
});
