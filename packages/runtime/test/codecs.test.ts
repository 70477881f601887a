import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compressionOf, decodeBatch, readBatchHeader, verifyBatch } from '@ottla/protocol';
import fc from 'fast-check';
import { type CompressionName, nodeCodecs } from '../src';

const CODECS: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const REAL: CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd'];

const lines = Array.from({ length: 800 }, (_, n) => `line ${n}: ${'the quick brown fox '.repeat((n % 7) + 1)}`);

/** One batch of `lines` as a client that we did not write made it; Apache Kafka 4.1 stored it. */
function batchOf(client: string, codec: string): Uint8Array {
  return readFileSync(join(__dirname, 'fixtures', `${client}-${codec}.batch`));
}

describe('batches of other clients', () => {
  for (const client of ['java', 'librdkafka']) {
    it.each(REAL)(`a %s batch that ${client} wrote opens to its records`, (codec) => {
      const bytes = batchOf(client, codec);
      const header = readBatchHeader(bytes, 0);
      verifyBatch(bytes, 0, header);
      expect(compressionOf(header)).toBe(codec);
      const records = decodeBatch(bytes, 0, header, (name, payload) => nodeCodecs.decompress(name, payload));
      const values = records.map(({ value }) => Buffer.from(value as Uint8Array).toString());
      // The console producer keeps trailing spaces, kcat too.
      expect(values).toEqual(lines);
    });
  }

  it('java frames snappy in blocks, librdkafka does not: both were among the above', () => {
    expect(Buffer.from(batchOf('java', 'snappy').subarray(62, 68)).toString()).toBe('SNAPPY');
    expect(Buffer.from(batchOf('librdkafka', 'snappy').subarray(62, 68)).toString()).not.toBe('SNAPPY');
  });
});

describe('round trips', () => {
  it.each(CODECS)('%s gives back any payload', (codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 200 }), (unit, times) => {
        const payload = Buffer.concat(Array.from({ length: times }, () => unit));
        const opened = nodeCodecs.decompress(codec, nodeCodecs.compress(codec, payload));
        expect(Buffer.compare(opened, payload)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('snappy is written in the framing that every client reads, 32 KiB a block', () => {
    const payload = Buffer.alloc(100_000, 'abc');
    const framed = nodeCodecs.compress('snappy', payload);
    expect(Buffer.from(framed.subarray(0, 16)).toString('hex')).toBe('82534e41505059000000000100000001');
    expect(Buffer.compare(nodeCodecs.decompress('snappy', framed), payload)).toBe(0);
  });

  it('lz4 is written as a frame', () => {
    const frame = nodeCodecs.compress('lz4', Buffer.alloc(1000, 'abc'));
    expect(Buffer.from(frame.subarray(0, 4)).toString('hex')).toBe('04224d18');
  });
});

describe('bad payloads', () => {
  it.each(REAL)('a %s bomb is refused before it is opened', (codec) => {
    const bomb = nodeCodecs.compress(codec, Buffer.alloc(8 * 1024 * 1024));
    const open = () => nodeCodecs.decompress(codec, bomb, 1024 * 1024);
    expect(open).toThrow(expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }));
    expect(open).toThrow(/1048576 bytes allowed/);
    expect(nodeCodecs.decompress(codec, bomb, 8 * 1024 * 1024).length).toBe(8 * 1024 * 1024);
  });

  it.each(REAL)('%s garbage is CORRUPT_MESSAGE and names the codec', (codec) => {
    const open = () => nodeCodecs.decompress(codec, Buffer.from('this was never compressed by anything at all'));
    expect(open).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }));
    expect(open).toThrow(new RegExp(codec));
  });

  it.each(REAL)('a %s payload cut anywhere never gives bytes that were not there', (codec) => {
    const whole = Buffer.from(lines.join('\n'));
    const payload = nodeCodecs.compress(codec, whole);
    for (let cut = 0; cut < payload.length; cut += 97) {
      let opened: Uint8Array;
      try {
        opened = nodeCodecs.decompress(codec, payload.subarray(0, cut));
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT_MESSAGE' });
        continue;
      }
      expect(Buffer.compare(opened, whole.subarray(0, opened.length))).toBe(0);
    }
  });

  it('a zstd frame without a content size is bounded by its blocks', () => {
    const batch = batchOf('librdkafka', 'zstd');
    const payload = batch.subarray(61);
    // The frame's descriptor: no content size.
    expect((payload[4] as number) >> 6).toBe(0);
    expect(() => nodeCodecs.decompress('zstd', payload, 1000)).toThrow(/open to more than/);
  });

  it('a gzip of several members counts them all', () => {
    const member = gzipSync(Buffer.alloc(1000, 1));
    const both = Buffer.concat([member, member]);
    expect(nodeCodecs.decompress('gzip', both).length).toBe(2000);
    expect(() => nodeCodecs.decompress('gzip', both, 1500)).toThrow(/open to more than/);
  });
});
