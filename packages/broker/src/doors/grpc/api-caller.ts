import {
  type AnyApi,
  apis,
  encodeResponse,
  type InputOf,
  type MessageOf,
  OttlaError,
  readRequest,
} from '@ottla/protocol';
import type { DoorCall } from '@ottla/rpc';
import type { Connection } from '../../handlers/handler';
import { type ApiRegistry, answerRequest } from '../../handlers/registry';
import type { BrokerServices } from '../../services';

/** Before each frame on a Kafka connection; a message of gRPC has a length already. */
const LENGTH_BYTES = 4;
/** Records go by streams, so that they are neither copied nor unbounded. */
const STREAMED = new Set<number>([apis.Produce.key, apis.Fetch.key]);

/** Has requests that came by gRPC answered by the handlers that serve the Kafka door. */
export class ApiCaller {
  private correlationId = 0;

  constructor(
    private readonly registry: ApiRegistry,
    private readonly services: BrokerServices,
  ) {}

  async call<A extends AnyApi>(
    api: A,
    apiVersion: number,
    body: MessageOf<A['request']>,
    call: DoorCall,
  ): Promise<InputOf<A['response']>> {
    const handler = this.registry.get(api.key);
    if (handler === undefined) throw new Error(`no handler for ${api.name}`);
    this.correlationId = (this.correlationId + 1) % 0x7fffffff;
    const header = { apiVersion, correlationId: this.correlationId, clientId: 'grpc' };
    const request = { header, body, connection: this.connectionOf(call) };
    return (await answerRequest(handler, request, this.services)) as InputOf<A['response']>;
  }

  /** A request as a Kafka client puts it, without its length; likewise its response. */
  async callFrame(frame: Uint8Array, call: DoorCall): Promise<Uint8Array> {
    const { api, header, body } = readRequest(frame);
    const handler = this.registry.get(api.key);
    if (handler === undefined) throw new OttlaError('UNSUPPORTED_VERSION', `this broker doesn't serve ${api.name}`);
    if (STREAMED.has(api.key)) {
      throw new OttlaError('INVALID_REQUEST', `${api.name} has a stream of its own in ottla.v1.Broker: use that`);
    }
    const request = { header, body, connection: this.connectionOf(call) };
    const response = (await answerRequest(handler, request, this.services)) as InputOf<AnyApi['response']>;
    const { chunks } = encodeResponse(api as AnyApi, header.apiVersion, header.correlationId, response);
    return Buffer.concat(chunks as Uint8Array[]).subarray(LENGTH_BYTES);
  }

  private connectionOf(call: DoorCall): Connection {
    return {
      listener: this.services.config.listeners[0]?.name ?? '',
      clientHost: call.remote,
      localAddress: call.local.host,
      onEnding: (callback) => {
        call.signal.addEventListener('abort', callback, { once: true });
        return () => call.signal.removeEventListener('abort', callback);
      },
    };
  }
}
