import type { BrokerRegistration, ClusterImage, Endpoint } from '@ottla/metadata';
import type { BrokerConfig } from '../config/schema';
import type { Connection } from './handler';

/** All that the address of a broker depends on. */
export interface Reachability {
  /** The broker that the client is told of. */
  readonly target: BrokerRegistration;
  /** This broker's own registration; null while it has none. */
  readonly self: BrokerRegistration | null;
  /** Names of this broker's listeners that have an address in `advertised.listeners`. */
  readonly advertisedListeners: ReadonlySet<string>;
  readonly connection: Pick<Connection, 'listener' | 'localAddress'>;
}

/**
 * The address under which this client reaches a broker; null when that broker has no such listener.
 *
 * A client has shown that it reaches this machine under the address by which it came. So that is the host of this broker,
 * and of every broker that registered the same host, being on the same machine; the port is the registered one. An address
 * in `advertised.listeners`, or one of another machine, is given as it is.
 */
export function reachableEndpoint(given: Reachability): Endpoint | null {
  const { target, self, advertisedListeners, connection } = given;
  const registered = endpointOf(target, connection.listener);
  if (registered === null) return null;
  const own = self === null ? null : endpointOf(self, connection.listener);
  const sameMachine = target.broker === self?.broker || own?.host === registered.host;
  const derived = sameMachine && !advertisedListeners.has(connection.listener) && connection.localAddress !== '';
  return { host: derived ? connection.localAddress : registered.host, port: registered.port };
}

/** As `reachableEndpoint`, for a client of this broker. */
export function advertisedEndpoint(
  target: BrokerRegistration,
  image: ClusterImage,
  services: { readonly self: { readonly broker: number }; readonly config: BrokerConfig },
  connection: Pick<Connection, 'listener' | 'localAddress'>,
): Endpoint | null {
  const self = image.brokers.get(services.self.broker)?.value ?? null;
  const advertisedListeners = new Set(services.config['advertised.listeners'].map((listener) => listener.name));
  return reachableEndpoint({ target, self, advertisedListeners, connection });
}

function endpointOf(registration: BrokerRegistration, listener: string): Endpoint | null {
  return registration.kafka.find((endpoint) => endpoint.listener === listener) ?? null;
}
