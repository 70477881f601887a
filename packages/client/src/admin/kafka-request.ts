import { type AnyApi, encodeRequest, type InputOf, type MessageOf, readResponse } from '@ottla/protocol';

/** Puts a request of the Kafka protocol to a broker. */
export type AskKafka = <A extends AnyApi>(api: A, body: InputOf<A['request']>) => Promise<MessageOf<A['response']>>;

const CLIENT_ID = 'ottla';
/** Each call has its own response: nothing has to be told apart. */
const CORRELATION_ID = 0;
const LENGTH_BYTES = 4;

/** In the newest version. */
export function requestFrame<A extends AnyApi>(api: A, body: InputOf<A['request']>): Uint8Array {
  return encodeRequest(api as AnyApi, api.maxVersion, CORRELATION_ID, CLIENT_ID, body).subarray(LENGTH_BYTES);
}

export function responseBody<A extends AnyApi>(api: A, frame: Uint8Array): MessageOf<A['response']> {
  return readResponse(api as AnyApi, api.maxVersion, frame).body as MessageOf<A['response']>;
}
