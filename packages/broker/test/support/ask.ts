import {
  type AnyApi,
  encodeRequest,
  encodeResponse,
  type InputOf,
  type MessageOf,
  readRequest,
  readResponse,
} from '@ottla/protocol';
import type { Connection } from '../../src/handlers/handler';
import { answerRequest, brokerApis } from '../../src/handlers/registry';
import type { BrokerServices } from '../../src/services';

const registry = brokerApis();

export class FakeConnection implements Connection {
  readonly listener = 'PLAINTEXT';
  readonly clientHost = '10.9.9.9';
  readonly localAddress: string = '10.0.0.1';
  private readonly callbacks = new Set<() => void>();

  get listenerCount(): number {
    return this.callbacks.size;
  }

  onEnding(callback: () => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  end(): void {
    for (const callback of [...this.callbacks]) callback();
  }
}

/**
 * Asks a handler as a client would: the request and the response go over the wire format of that version, so what the
 * version can't carry is an error here too. Null when there is no response.
 */
export async function ask<A extends AnyApi>(
  api: A,
  version: number,
  body: InputOf<A['request']>,
  services: BrokerServices,
  connection: Connection = new FakeConnection(),
): Promise<MessageOf<A['response']>> {
  const frame = encodeRequest(api, version, 7, 'test-client', body).subarray(4);
  const request = readRequest(frame);
  const handler = registry.get(api.key)!;
  const response = await answerRequest(handler, { header: request.header, body: request.body, connection }, services);
  if (response === null) return null as unknown as MessageOf<A['response']>;
  const encoded = encodeResponse(api, version, 7, response as InputOf<A['response']>);
  const bytes = Buffer.concat(encoded.chunks as Uint8Array[]);
  return readResponse(api, version, bytes.subarray(4)).body as MessageOf<A['response']>;
}
