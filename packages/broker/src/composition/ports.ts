import type { ControllerEvent } from '@ottla/controller';
import type { MetadataStore } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import type { DoorHandlers } from '@ottla/rpc';
import type { Clock, Codecs, Disk, Logger, PeerNetwork, Random, TcpConnection, TcpNetwork } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';

/** What a broker reaches the outside through. Everything that is decided is decided on this side of it. */
export interface BrokerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly codecs: Codecs;
  /** For the Kafka listeners. */
  readonly tcp: TcpNetwork;
  /** Equal ids prove that the machine has not gone down in between; empty proves nothing. */
  bootId(): Promise<string>;
  /** An address of this machine that others reach it by. */
  machineHost(): string;
  /** The store that the configuration names. */
  openStore(config: BrokerConfig, logger: Logger): Promise<OpenStore>;
  openPeers(logger: Logger): ClosablePeers;
  openGrpcDoor(logger: Logger): GrpcDoor;
  openAdminServer(address: { host: string; port: number }, status: AdminStatus): Promise<AdminServer>;
  /** Hears what this broker does as controller, or to a controller. */
  readonly onControllerEvent?: (event: ControllerEvent) => void;
}

export interface OpenStore {
  readonly store: MetadataStore;
  /** Settles when an embedded store that runs in this process can't go on. */
  readonly failed: Promise<OttlaError>;
  close(): Promise<void>;
}

export interface ClosablePeers extends PeerNetwork {
  /** Closes every stream and server. */
  close(): Promise<void>;
}

/** The server of the gRPC door. */
export interface GrpcDoor {
  /** Before `listen`. */
  serve(handlers: DoorHandlers): void;
  /** Port 0 takes any free port. Rejects with INVALID_CONFIG when the address can't be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** Takes over a connection that a Kafka listener accepted and that speaks HTTP/2. */
  takeConnection(connection: TcpConnection): void;
  setHealth(service: string, state: 'serving' | 'not-serving'): void;
  /** Tells clients to go away, waits `graceMs` for calls to end, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** What the broker says of itself over HTTP. */
export interface AdminStatus {
  /** True once clients are served, until shutdown begins. */
  healthy(): boolean;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}
