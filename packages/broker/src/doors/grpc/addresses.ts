import type { BrokerRegistration, Endpoint } from '@ottla/metadata';
import { reachableEndpoint } from '../../handlers/advertised';

export interface GrpcReachability {
  readonly target: BrokerRegistration;
  /** This broker's own registration; null while it has none. */
  readonly self: BrokerRegistration | null;
  readonly advertisedListeners: ReadonlySet<string>;
  /** Whether `grpc.advertised` is set here. */
  readonly grpcAdvertised: boolean;
  /** Where the client's connection was accepted. */
  readonly local: Endpoint;
  /** The Kafka listener by whose port the client came; null when it came by the gRPC address. */
  readonly kafkaListener: string | null;
}

/**
 * The address under which this client can have gRPC served by a broker. One that came by a Kafka listener is sent to Kafka
 * listeners, which take gRPC too: it may reach no other port.
 */
export function grpcEndpoint(given: GrpcReachability): Endpoint {
  const { target, self, advertisedListeners, grpcAdvertised, local, kafkaListener } = given;
  if (kafkaListener !== null) {
    const connection = { listener: kafkaListener, localAddress: local.host };
    const endpoint = reachableEndpoint({ target, self, advertisedListeners, connection });
    if (endpoint !== null) return endpoint;
  }
  const sameMachine = target.broker === self?.broker || self?.grpc.host === target.grpc.host;
  const derived = sameMachine && !grpcAdvertised && local.host !== '';
  return { host: derived ? local.host : target.grpc.host, port: target.grpc.port };
}
