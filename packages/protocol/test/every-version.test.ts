import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type AnyApi, apis, encodeRequest, encodeResponse, OttlaError, readRequest, readResponse } from '../src';
import { arbitraryMessage } from './arbitrary-message';

const versions = (Object.values(apis) as AnyApi[]).flatMap((api) =>
  Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, i): [string, AnyApi, number] => [
    `${api.name} v${api.minVersion + i}`,
    api,
    api.minVersion + i,
  ]),
);

function requestFrame(api: AnyApi, version: number, body: Record<string, unknown>): Uint8Array {
  return encodeRequest(api, version, 7, 'client', body as never).subarray(4);
}

function responseFrame(api: AnyApi, version: number, body: Record<string, unknown>): Uint8Array {
  const { chunks } = encodeResponse(api, version, 7, body as never);
  return Uint8Array.from(Buffer.concat(chunks as Uint8Array[])).subarray(4);
}

function expectSame(read: unknown, written: unknown): void {
  // Jest's own comparison is slow on thousands of messages; it only says what differs.
  if (!isDeepStrictEqual(read, written)) expect(read).toEqual(written);
}

/** Malformed bytes may read as something; if they don't, the error is one that a client understands. */
function expectReadOrRefused(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof OttlaError)) throw error;
    expect(['INVALID_REQUEST', 'UNSUPPORTED_VERSION']).toContain(error.code);
  }
}

function expectInvalid(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof OttlaError && error.code === 'INVALID_REQUEST') return;
    throw error;
  }
  throw new Error('the frame was read');
}

const mutations = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))), {
  minLength: 1,
  maxLength: 4,
});

function mutate(frame: Uint8Array, changes: [number, number][], from: number): Uint8Array {
  const mutated = Uint8Array.from(frame);
  for (const [at, byte] of changes) mutated[from + (at % Math.max(frame.length - from, 1))] = byte;
  return mutated;
}

/** The API key and version stay, so that it is the body that is damaged. */
const AFTER_VERSION = 4;

describe.each(versions)('%s', (_, api, version) => {
  const request = arbitraryMessage(api.request.shape, version);
  const response = arbitraryMessage(api.response.shape, version);

  it('a request and a response written are read as the same', () => {
    fc.assert(
      fc.property(request, response, (asked, answered) => {
        const { name, header, body } = readRequest(requestFrame(api, version, asked));
        expectSame([name, header.apiVersion, header.correlationId, header.clientId], [api.name, version, 7, 'client']);
        expectSame({ ...body }, asked);
        expectSame(readResponse(api, version, responseFrame(api, version, answered)), {
          correlationId: 7,
          body: answered,
        });
      }),
      { numRuns: 8 },
    );
  });

  it('a frame that is cut short anywhere, or too long, is INVALID_REQUEST', () => {
    const [asked] = fc.sample(request, { numRuns: 1, seed: version });
    const [answered] = fc.sample(response, { numRuns: 1, seed: version });
    for (const [frame, read] of [
      [requestFrame(api, version, asked!), readRequest],
      [responseFrame(api, version, answered!), (bytes: Uint8Array) => readResponse(api, version, bytes)],
    ] as const) {
      for (let length = 0; length < frame.length; length++) expectInvalid(() => read(frame.subarray(0, length)));
      expectInvalid(() => read(Uint8Array.from([...frame, 0])));
    }
  });

  it('a damaged frame is read or refused, never anything else', () => {
    fc.assert(
      fc.property(request, response, mutations, (asked, answered, changes) => {
        const damagedRequest = mutate(requestFrame(api, version, asked), changes, AFTER_VERSION);
        expectReadOrRefused(() => readRequest(damagedRequest));
        const damagedResponse = mutate(responseFrame(api, version, answered), changes, 0);
        expectReadOrRefused(() => readResponse(api, version, damagedResponse));
      }),
      { numRuns: 12 },
    );
  });
});
