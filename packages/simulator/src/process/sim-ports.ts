import type { AdminServer, BrokerConfig, BrokerPorts, ClosablePeers, GrpcDoor, OpenStore } from '@ottla/broker';
import type { MetadataStore } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import type { DoorHandlers } from '@ottla/rpc';
import type { Codecs, Disk, Logger, Random } from '@ottla/runtime';
import type { Network } from '../network/network';
import { SimPeers } from '../network/sim-peers';
import { SimTcp } from '../network/sim-tcp';
import type { ProcessClock } from '../time/process-clock';
import type { Life } from './life';

export interface SimPortsOptions {
  readonly life: Life;
  readonly host: string;
  readonly clock: ProcessClock;
  readonly random: Random;
  readonly disk: Disk;
  readonly codecs: Codecs;
  readonly network: Network;
  readonly bootId: string;
  openStore(config: BrokerConfig, logger: Logger): MetadataStore;
  /** The handlers of the gRPC door, null when the door closes. */
  onDoor(handlers: DoorHandlers | null): void;
  readonly onControllerEvent: NonNullable<BrokerPorts['onControllerEvent']>;
}

const NEVER = new Promise<OttlaError>(() => {});

/** A production broker's ports, inside a simulated machine. */
export function simPorts(options: SimPortsOptions): BrokerPorts {
  const { life, host, clock, network } = options;
  return {
    clock,
    random: options.random,
    disk: options.disk,
    codecs: options.codecs,
    tcp: new SimTcp(network, life, host),
    bootId: async () => options.bootId,
    machineHost: () => host,
    openStore: async (config, logger): Promise<OpenStore> => {
      const store = options.openStore(config, logger);
      return { store, failed: NEVER, close: () => store.close() };
    },
    openPeers: (): ClosablePeers => new SimPeers(network, life, host, clock),
    openGrpcDoor: () => grpcDoor(options),
    openAdminServer: async (address): Promise<AdminServer> => ({ port: address.port, close: async () => {} }),
    onControllerEvent: options.onControllerEvent,
  };
}

/** The door without gRPC: its handlers are called by simulated clients, across links. */
function grpcDoor({ onDoor, network, life, host }: SimPortsOptions): GrpcDoor {
  let handlers: DoorHandlers | null = null;
  let stop = (): void => {};
  return {
    serve: (served) => {
      handlers = served;
    },
    listen: async (address) => {
      const listening = network.listen(life, { host, port: address.port }, (end) => end.reset());
      stop = () => listening.close();
      onDoor(handlers);
      return { port: listening.port };
    },
    takeConnection: (connection) => connection.destroy(),
    setHealth: () => {},
    close: async () => {
      stop();
      onDoor(null);
    },
  };
}
