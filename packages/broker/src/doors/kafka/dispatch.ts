import {
  type AnyApi,
  apis,
  type Chunk,
  ErrorCode,
  encodeResponse,
  type ResponseFrame,
  readRequest,
  toOttlaError,
} from '@ottla/protocol';
import { apiKeysOf } from '../../handlers/cluster/api-versions';
import type { Handler } from '../../handlers/handler';
import { type ApiRegistry, answerRequest } from '../../handlers/registry';
import type { BrokerServices } from '../../services';
import type { Answer, KafkaConnection } from './connection';

/** Told of each request once its response is ready. */
export interface RequestObserver {
  onRequest?(connection: KafkaConnection, apiKey: number): void;
  onResponse?(connection: KafkaConnection, exchange: Exchange): void;
}

export interface Exchange {
  readonly api: string;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The response's body; null when there is none. */
  readonly body: unknown;
}

interface Head {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

/** From a frame to the bytes of its response: decoded once, handled by the API's handler, encoded. */
export class Dispatcher {
  constructor(
    private readonly registry: ApiRegistry,
    private readonly services: BrokerServices,
    private readonly observer: RequestObserver = {},
  ) {}

  /** Never rejects. Handling begins before this returns, so that requests are begun in the order of their frames. */
  async answer(frame: Uint8Array, connection: KafkaConnection): Promise<Answer> {
    const head = readHead(frame);
    const handler = this.registry.get(head.apiKey);
    if (handler === undefined) {
      return { type: 'close', reason: `API key ${head.apiKey} (version ${head.apiVersion}) is not served here` };
    }
    const { api } = handler;
    const served = head.apiVersion >= api.minVersion && head.apiVersion <= api.maxVersion;
    try {
      return served ? await this.exchange(frame, handler, head, connection) : this.refuseVersion(handler, head);
    } catch (error) {
      const { message } = toOttlaError(error);
      return { type: 'close', reason: `${api.name} version ${head.apiVersion}: ${message}` };
    }
  }

  private async exchange(
    frame: Uint8Array,
    handler: Handler,
    head: Head,
    connection: KafkaConnection,
  ): Promise<Answer> {
    const { api } = handler;
    const startedAt = this.services.clock.now();
    const { header, body } = readRequest(frame);
    connection.introduce(header.clientId, softwareOf(head.apiKey, body));
    this.observer.onRequest?.(connection, head.apiKey);
    const response = await answerRequest(handler, { header, body, connection }, this.services);
    const encoded = response === null ? null : encode(api, head, response);
    this.observer.onResponse?.(connection, {
      api: api.name,
      apiKey: api.key,
      apiVersion: head.apiVersion,
      durationMs: this.services.clock.now() - startedAt,
      requestBytes: frame.length,
      responseBytes: encoded?.byteLength ?? 0,
      body: response,
    });
    return encoded === null ? { type: 'no-response' } : { type: 'response', chunks: encoded.chunks.map(inMemory) };
  }

  /**
   * ApiVersions is answered in version 0, with the versions that are served, so that the client can choose one (KIP-511).
   * A client that got its version from there can't ask for another one of any other API: the connection is closed.
   */
  private refuseVersion(handler: Handler, head: Head): Answer {
    const { api } = handler;
    if (api.key !== apis.ApiVersions.key) {
      const served = `${api.minVersion} to ${api.maxVersion}`;
      return { type: 'close', reason: `${api.name} version ${head.apiVersion} is not served, only ${served}` };
    }
    const apiKeys = apiKeysOf(this.registry.apis());
    const body = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys };
    const { chunks } = encodeResponse(apis.ApiVersions, 0, head.correlationId, body);
    return { type: 'response', chunks: chunks.map(inMemory) };
  }
}

function encode(api: AnyApi, head: Head, body: unknown): ResponseFrame {
  return encodeResponse(api, head.apiVersion, head.correlationId, body as never);
}

function readHead(frame: Uint8Array): Head {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return { apiKey: view.getInt16(0), apiVersion: view.getInt16(2), correlationId: view.getInt32(4) };
}

function softwareOf(apiKey: number, body: unknown): string | null {
  if (apiKey !== apis.ApiVersions.key) return null;
  const { clientSoftwareName, clientSoftwareVersion } = body as Record<string, string>;
  return clientSoftwareName ? `${clientSoftwareName} ${clientSoftwareVersion}`.slice(0, 100) : null;
}

function inMemory(chunk: Chunk): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError('a response holds a range of a file, which this connection can not send');
}
