import { gunzipSync } from 'node:zlib';
import {
  type AnyApi,
  apiByKey,
  apis,
  type CompressionName,
  checkProducedBatches,
  compressionOf,
  decodeBatch,
  encodeRequest,
  encodeResponse,
  lastOffset,
  readBatchHeader,
  readRequest,
  readResponse,
} from '../src';
import { type Fixture, fixtures } from './golden/fixtures';

const all = fixtures();
const answered = all.filter((fixture) => fixture.response !== null);
const produced = all.filter(({ api }) => api === 'Produce');

const titled = (list: Fixture[]): [string, Fixture][] =>
  list.map((fixture) => [`${fixture.api} ${fixture.kind}`, fixture]);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const withoutLength = (frame: Uint8Array): Uint8Array => frame.subarray(4);

function apiOf({ request }: Fixture): { api: AnyApi; version: number } {
  const { header, api } = readRequest(request);
  return { api, version: header.apiVersion };
}

function recordsOf(fixture: Fixture): Uint8Array {
  const request = readRequest(fixture.request);
  if (request.name !== 'Produce') throw new Error(`${fixture.kind} is no produce request`);
  return request.body.topicData[0]!.partitionData[0]!.records!;
}

describe('frames of clients that others wrote', () => {
  it('cover every API', () => {
    expect([...new Set(all.map(({ api }) => api))].sort()).toEqual(Object.keys(apis).sort());
  });

  it('cover every codec in produce requests', () => {
    const codecs = produced.map((fixture) => compressionOf(readBatchHeader(recordsOf(fixture))));
    expect(new Set(codecs)).toEqual(new Set<CompressionName>(['none', 'gzip', 'snappy', 'lz4', 'zstd']));
  });

  it.each(titled(all))('%s: a request read and written again is the same bytes', (_, { request }) => {
    const { header, api, body } = readRequest(request);
    expect(apiByKey(header.apiKey)).toBe(api);
    const again = encodeRequest(api as AnyApi, header.apiVersion, header.correlationId, header.clientId, body);
    expect(hex(withoutLength(again))).toBe(hex(request));
    expect(Buffer.from(again).readInt32BE(0)).toBe(request.length);
  });

  it.each(titled(answered))('%s: a response read and written again is the same bytes', (_, fixture) => {
    const { api, version } = apiOf(fixture);
    const { correlationId, body } = readResponse(api, version, fixture.response!);
    const { chunks, byteLength } = encodeResponse(api, version, correlationId, body as never);
    const again = Buffer.concat(chunks as Uint8Array[]);
    expect(hex(withoutLength(again))).toBe(hex(fixture.response!));
    expect([again.length, again.readInt32BE(0)]).toEqual([byteLength, byteLength - 4]);
  });
});

describe('batches of clients that others wrote', () => {
  it.each(titled(produced))('%s: pass the checks of a produce', (_, fixture) => {
    const records = recordsOf(fixture);
    const headers = checkProducedBatches(records, { maxMessageBytes: 1_048_588 });
    expect(headers.reduce((sum, { batchLength }) => sum + batchLength, 0)).toBe(records.length);
    expect(headers[0]).toMatchObject({ baseOffset: 0, magic: 2 });
    expect(compressionOf(headers[0]!)).toBe(fixture.kind.split(' ')[2]);
  });

  it.each(titled(produced.filter(({ kind }) => /none|gzip/.test(kind))))('%s: hold readable records', (_, fixture) => {
    const records = recordsOf(fixture);
    const header = readBatchHeader(records);
    const decoded = decodeBatch(records, 0, header, (_codec, payload) => gunzipSync(payload));
    expect(decoded.map(({ offset }) => offset)).toEqual(Array.from({ length: header.recordCount }, (_, i) => i));
    expect(decoded.at(-1)!.offset).toBe(lastOffset(header));
    for (const { key, value, headers, timestamp } of decoded) {
      expect(timestamp).toBeGreaterThan(1_700_000_000_000);
      expect(key === null || key.length > 0).toBe(true);
      expect(Buffer.from(value!).toString()).toMatch(/a value that repeats|grüße|^\w+$/);
      for (const one of headers) expect(one.key).toBe('origin');
    }
  });
});

describe('responses of Apache Kafka', () => {
  it('Fetch: batches that the broker stamped verify and are at the offsets that it says', () => {
    const fetched = answered.filter(({ api }) => api === 'Fetch');
    let batches = 0;
    for (const fixture of fetched) {
      const { body } = readResponse(apis.Fetch, apiOf(fixture).version, fixture.response!);
      for (const { records, highWatermark } of body.responses.flatMap(({ partitions }) => partitions)) {
        for (let at = 0; records !== null && at < records.length; batches++) {
          const header = readBatchHeader(records, at);
          expect(lastOffset(header)).toBeLessThan(highWatermark);
          expect(header.partitionLeaderEpoch).toBe(0);
          at += header.batchLength;
        }
      }
    }
    expect(batches).toBeGreaterThan(10);
  });

  it('ApiVersions: lists for each API here a range that includes the versions served', () => {
    const newest = answered.find(({ api, kind }) => api === 'ApiVersions' && kind.endsWith('v4'))!;
    const { body } = readResponse(apis.ApiVersions, 4, newest.response!);
    for (const api of Object.values(apis) as AnyApi[]) {
      const kafka = body.apiKeys.find(({ apiKey }) => apiKey === api.key)!;
      const ours = { apiKey: api.key, minVersion: api.advertisedMinVersion, maxVersion: api.maxVersion };
      expect([api.name, kafka]).toEqual([api.name, ours]);
    }
  });
});
