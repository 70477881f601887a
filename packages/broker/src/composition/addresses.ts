import type { RegistrationDetails } from '@ottla/controller';
import type { Endpoint } from '@ottla/metadata';
import type { BrokerConfig } from '../config/schema';

/** The ports that were bound, which differ from the configured ones where those are 0. */
export interface BoundPorts {
  readonly kafka: ReadonlyMap<string, number>;
  readonly grpc: number;
  readonly peer: number;
}

const EVERY_INTERFACE: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/** What the broker registers as its addresses: those advertised in the configuration, else those it listens on. */
export function registeredAddresses(
  config: BrokerConfig,
  ports: BoundPorts,
  machineHost: () => string,
): Pick<RegistrationDetails, 'kafka' | 'grpc' | 'peer'> {
  const ownHost = (listenHost: string): string =>
    EVERY_INTERFACE.has(listenHost) ? (config['advertised.host'] ?? machineHost()) : listenHost;
  const advertised = new Map(config['advertised.listeners'].map((listener) => [listener.name, listener]));
  const kafka = config.listeners.map(({ name, host }) => {
    const given = advertised.get(name);
    return given === undefined
      ? { listener: name, host: ownHost(host), port: ports.kafka.get(name)! }
      : { listener: name, host: given.host, port: given.port };
  });
  const own = (listen: Endpoint, port: number): Endpoint => ({ host: ownHost(listen.host), port });
  return {
    kafka,
    grpc: config['grpc.advertised'] ?? own(config['grpc.listen'], ports.grpc),
    peer: config['peer.advertised'] ?? own(config['peer.listen'], ports.peer),
  };
}
