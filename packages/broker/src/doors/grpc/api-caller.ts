import type { AnyApi, InputOf, MessageOf } from '@ottla/protocol';
import type { DoorCall } from '@ottla/rpc';
import type { Connection } from '../../handlers/handler';
import { type ApiRegistry, answerRequest } from '../../handlers/registry';
import type { BrokerServices } from '../../services';

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
