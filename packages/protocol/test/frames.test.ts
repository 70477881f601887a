import fc from 'fast-check';
import {
  apiByKey,
  apis,
  type Chunk,
  encodeRequest,
  encodeResponse,
  type FetchResponse,
  type FileRegion,
  OttlaError,
  readRequest,
  readRequestHeader,
  readResponse,
} from '../src';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function refusal(read: () => unknown): OttlaError {
  try {
    read();
  } catch (error) {
    if (error instanceof OttlaError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function fetchResponse(...records: (Uint8Array | Chunk[] | null)[]): FetchResponse {
  const partitions = records.map((one, partitionIndex) => {
    return { partitionIndex, errorCode: 0, highWatermark: 9, records: one };
  });
  return { responses: [{ topic: 'orders', partitions }] };
}

function join(chunks: readonly Chunk[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(chunks as Uint8Array[]));
}

describe('request header', () => {
  it('reads versions 1 and 2, with and without a client id', () => {
    expect(readRequestHeader(hex('0003 0001 00000007 0002 6d65 ffffffff'))).toEqual({
      apiKey: 3,
      apiVersion: 1,
      correlationId: 7,
      clientId: 'me',
      bodyOffset: 12,
    });
    expect(readRequestHeader(hex('0003 0009 00000007 ffff 00'))).toMatchObject({ clientId: null, bodyOffset: 11 });
  });

  it('skips tagged fields, which no version knows yet', () => {
    expect(readRequestHeader(hex('0003 0009 00000007 ffff 01 05 03 aabbcc'))).toMatchObject({ bodyOffset: 16 });
  });

  it('of an unknown API or version is read all the same, so that it can be answered', () => {
    expect(readRequestHeader(hex('03e7 0001 00000007 ffff'))).toMatchObject({ apiKey: 999, correlationId: 7 });
    expect(readRequestHeader(hex('0012 0063 00000007 ffff'))).toMatchObject({ apiVersion: 99, correlationId: 7 });
  });

  it.each([
    '',
    '00',
    '0003 0001 0000',
    '0003 0001 00000007 0005 6d65',
    '0003 0009 00000007 ffff',
    '0003 0009 00000007 ffff ffffffff0f',
  ])('that ends too early (%s) is INVALID_REQUEST', (text) =>
    expect(refusal(() => readRequestHeader(hex(text))).code).toBe('INVALID_REQUEST'),
  );
});

describe('request', () => {
  it('of an unknown API is UNSUPPORTED_VERSION and names its key', () => {
    const { code, message } = refusal(() => readRequest(hex('03e7 0001 00000007 ffff')));
    expect([code, message]).toEqual(['UNSUPPORTED_VERSION', expect.stringContaining('999')]);
  });

  it.each([2, 14, -1])('Produce version %d is UNSUPPORTED_VERSION and says which are served', (version) => {
    const frame = hex('0000 0000 00000007 ffff');
    new DataView(frame.buffer).setInt16(2, version);
    const { code, message } = refusal(() => readRequest(frame));
    expect([code, message]).toEqual(['UNSUPPORTED_VERSION', expect.stringContaining('versions 3 to 13')]);
  });

  it('with a null where the version allows none names the field', () => {
    const { message } = refusal(() => readRequest(hex('0003 0000 00000007 ffff ffffffff')));
    expect(message).toContain('Metadata request version 0: topics must not be null');
  });

  it('with more bytes than the message is refused', () => {
    const { message } = refusal(() => readRequest(hex('0003 0001 00000007 ffff ffffffff 00')));
    expect(message).toContain('1 bytes too many');
  });

  it('with unknown tagged fields is read without them', () => {
    const { body } = readRequest(hex('0012 0003 00000007 ffff 00 0261 0262 01 63 02 ffff'));
    expect(body).toEqual({ clientSoftwareName: 'a', clientSoftwareVersion: 'b' });
  });

  it.each([
    ['an array', '0003 0001 00000007 ffff 7fffffff'],
    ['a string', '0003 0001 00000007 ffff 00000001 7fff'],
    ['a compact array', '0003 0009 00000007 ffff 00 ffffffff0f'],
    ['a compact string', '0012 0003 00000007 ffff 00 ffffffff0f'],
    ['a tagged field', '0012 0003 00000007 ffff 00 01 01 01 00 ffffffff0f'],
    ['the number of tagged fields', '0012 0003 00000007 ffff 00 01 01 ffffffff0f'],
  ])('with a huge length for %s is refused before anything is allocated', (_, text) => {
    const before = process.memoryUsage().heapUsed;
    expect(refusal(() => readRequest(hex(text))).code).toBe('INVALID_REQUEST');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
  });

  it('with a tagged field that is longer than its value is refused', () => {
    const frame = hex(
      '0001 000c 00000007 ffff 00 00000000 00000000 00000000 00000000 00 00000000 00000000 01 01 01 01 00 03 02 6100',
    );
    expect(refusal(() => readRequest(frame)).message).toContain('clusterId: 1 bytes too many');
  });

  it('any bytes at all are read or refused by an OttlaError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(...Object.values(apis)),
        fc.nat(20),
        (tail, api, version) => {
          const frame = Uint8Array.from([0, api.key, 0, version, ...tail]);
          try {
            readRequest(frame);
          } catch (error) {
            expect(error).toBeInstanceOf(OttlaError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('writing a request', () => {
  const partition = { index: 0, records: Uint8Array.of(1, 2, 3) };
  const produce = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData: [partition] }] };

  it('joins record batches into one frame that reads the same', () => {
    const request = readRequest(encodeRequest(apis.Produce, 9, 1, null, produce).subarray(4));
    expect(request.header.clientId).toBeNull();
    expect(request.body).toMatchObject({ transactionalId: null, topicData: [{ partitionData: [partition] }] });
  });

  it('refuses a range of a file, which it would have to read', () => {
    const region: FileRegion = { byteLength: 10 };
    const body = { ...produce, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: [region] }] }] };
    expect(refusal(() => encodeRequest(apis.Produce, 9, 1, null, body)).code).toBe('INVALID_REQUEST');
  });

  it.each([
    ['acks must be an int16, not 40000', { ...produce, acks: 40000 }],
    ['acks must be an int16, not 1.5', { ...produce, acks: 1.5 }],
    ['acks is missing', { ...produce, acks: undefined }],
    ['topicData must be an array, not null', { ...produce, topicData: null }],
    ['topicData[] must be an object, not 1', { ...produce, topicData: [1] }],
    ['topicData[].name must be a string, not 1', { ...produce, topicData: [{ name: 1, partitionData: [] }] }],
    [
      'a string of 40000 bytes is too long',
      { ...produce, topicData: [{ name: 'é'.repeat(20000), partitionData: [] }] },
    ],
    [
      'topicData[].partitionData[].records must be',
      { ...produce, topicData: [{ name: '', partitionData: [{ index: 0, records: 1 }] }] },
    ],
  ])('a wrong value is refused: %s', (message, body) => {
    const error = refusal(() => encodeRequest(apis.Produce, 8, 1, null, body as never));
    expect([error.code, error.message]).toEqual([
      'INVALID_REQUEST',
      expect.stringContaining(`Produce request version 8: ${message}`),
    ]);
  });

  it('a topic id that is no uuid is refused', () => {
    const body = { ...produce, topicData: [{ topicId: 'orders', partitionData: [] }] };
    expect(refusal(() => encodeRequest(apis.Produce, 13, 1, null, body)).message).toContain('topicId must be a uuid');
  });

  it('a version that is not served is UNSUPPORTED_VERSION', () => {
    expect(refusal(() => encodeRequest(apis.Produce, 14, 1, null, produce)).code).toBe('UNSUPPORTED_VERSION');
  });
});

describe('writing a response', () => {
  it('passes records through uncopied, each as a chunk of its own', () => {
    const [first, second] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
    const region: FileRegion = { byteLength: 1000 };
    const { chunks, byteLength } = encodeResponse(apis.Fetch, 12, 1, fetchResponse(first, [second, region], null));
    expect(chunks).toHaveLength(6);
    expect(chunks[1]).toBe(first);
    expect(chunks[3]).toBe(second);
    expect(chunks[4]).toBe(region);
    expect(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)).toBe(byteLength);
    expect(Buffer.from(chunks[0] as Uint8Array).readInt32BE(0)).toBe(byteLength - 4);
  });

  it('of empty records makes no chunk for them', () => {
    const { chunks } = encodeResponse(apis.Fetch, 12, 1, fetchResponse(new Uint8Array(0), [], null));
    expect(chunks).toHaveLength(1);
    const { body } = readResponse(apis.Fetch, 12, join(chunks).subarray(4));
    expect(body.responses[0]!.partitions.map(({ records }) => records?.length ?? null)).toEqual([0, 0, null]);
  });

  it('stays whole when its memory grows between chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 200 }), (records) => {
        const { chunks } = encodeResponse(apis.Fetch, 11, 1, fetchResponse(...records));
        const { body } = readResponse(apis.Fetch, 11, join(chunks).subarray(4));
        expect(body.responses[0]!.partitions.map((partition) => partition.records)).toEqual(records);
      }),
      { numRuns: 50 },
    );
  });

  it('fills in what is left out, and reads back what the version lacks as defaults', () => {
    const { chunks } = encodeResponse(apis.Fetch, 4, 1, fetchResponse(null));
    const { body } = readResponse(apis.Fetch, 4, join(chunks).subarray(4));
    expect(body).toMatchObject({ throttleTimeMs: 0, errorCode: 0, sessionId: 0, nodeEndpoints: [] });
    expect(body.responses[0]!.topicId).toBe('00000000-0000-0000-0000-000000000000');
    const defaults = { logStartOffset: -1, currentLeader: { leaderId: -1, leaderEpoch: -1 }, preferredReadReplica: -1 };
    expect(body.responses[0]!.partitions[0]).toMatchObject(defaults);
  });

  it('writes a tagged field only when it differs from its default', () => {
    const base = { index: 0, errorCode: 6, baseOffset: -1 };
    const sizeWith = (currentLeader: { leaderId?: number; leaderEpoch?: number }) =>
      encodeResponse(apis.Produce, 10, 1, {
        responses: [{ name: 'orders', partitionResponses: [{ ...base, currentLeader }] }],
      }).byteLength;
    expect(sizeWith({ leaderId: -1 })).toBe(sizeWith({}));
    // Tag, size, two int32 and the struct's own count of tags.
    expect(sizeWith({ leaderId: 2, leaderEpoch: 5 }) - sizeWith({})).toBe(11);
  });

  it('writes a tagged field of over 127 bytes, whose size takes two', () => {
    const nodeEndpoints = Array.from({ length: 12 }, (_, nodeId) => ({ nodeId, host: `broker-${nodeId}`, port: 9092 }));
    const { chunks } = encodeResponse(apis.Produce, 10, 1, { responses: [], nodeEndpoints });
    const { body } = readResponse(apis.Produce, 10, join(chunks).subarray(4));
    expect(body.nodeEndpoints).toEqual(nodeEndpoints.map((endpoint) => ({ ...endpoint, rack: null })));
  });

  it('of ApiVersions has no tags in its header, whatever the version', () => {
    const { chunks } = encodeResponse(apis.ApiVersions, 3, 7, { errorCode: 35, apiKeys: [] });
    expect(Buffer.from(join(chunks)).toString('hex')).toBe('0000000c' + '00000007' + '0023' + '01' + '00000000' + '00');
  });

  it('writes null as an empty string where only later versions know null', () => {
    const body = { errorCode: 27, protocolName: null, leader: '', memberId: '', members: [] };
    const { chunks } = encodeResponse(apis.JoinGroup, 5, 1, body);
    expect(readResponse(apis.JoinGroup, 5, join(chunks).subarray(4)).body.protocolName).toBe('');
  });

  it('two messages read never share a mutable default', () => {
    const frame = join(encodeResponse(apis.Fetch, 4, 1, fetchResponse(null)).chunks).subarray(4);
    const [one, other] = [readResponse(apis.Fetch, 4, frame).body, readResponse(apis.Fetch, 4, frame).body];
    one.nodeEndpoints.push({ nodeId: 1, host: 'a', port: 1, rack: null });
    expect(other.nodeEndpoints).toEqual([]);
  });
});

describe('int64', () => {
  it.each([
    ['7fffffffffffffff', Number.MAX_SAFE_INTEGER, '7fffffffffffffff'],
    ['001fffffffffffff', Number.MAX_SAFE_INTEGER, '7fffffffffffffff'],
    ['001ffffffffffffe', Number.MAX_SAFE_INTEGER - 1, '001ffffffffffffe'],
    ['8000000000000000', Number.MIN_SAFE_INTEGER, '8000000000000000'],
    ['ffffffffffffffff', -1, 'ffffffffffffffff'],
    ['ffffffff00000000', -(2 ** 32), 'ffffffff00000000'],
    ['00000001ffffffff', 2 ** 33 - 1, '00000001ffffffff'],
  ])('%s reads as %d and is written as %s', (wire, value, written) => {
    const head = '0000000000000000';
    const { body } = readResponse(apis.InitProducerId, 0, hex(`00000007 ${head.slice(0, 8)} 0000 ${wire} 0000`));
    expect(body.producerId).toBe(value);
    const { chunks } = encodeResponse(apis.InitProducerId, 0, 7, { errorCode: 0, producerId: value, producerEpoch: 0 });
    expect(Buffer.from(join(chunks)).toString('hex')).toContain(written);
  });
});

it('apiByKey: gives the API of a key, and undefined for others', () => {
  expect(apiByKey(1)).toBe(apis.Fetch);
  expect([apiByKey(-1), apiByKey(4), apiByKey(999)]).toEqual([undefined, undefined, undefined]);
});
