import type { OttlaError } from '@ottla/protocol';
import type { Clock, Disk, Logger } from '@ottla/runtime';

export interface EmbeddedStoreOptions {
  /** Its directory; created when absent. One process at a time may use it. */
  readonly dir: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly logger: Logger;
}

export interface EmbeddedStore {
  /** `host:port` for EtcdStore and etcdctl. */
  readonly endpoint: string;
  readonly port: number;
  /** Settles, with the reason, when the store can't go on (its disk failed) and serves no more; never otherwise. */
  readonly failed: Promise<OttlaError>;
  close(): Promise<void>;
}

/** Starts the durable store of a directory and serves it as the part of etcd's v3 gRPC API that Ottla and etcdctl use. */
export function startEmbeddedStore(_options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  throw new Error('being written');
}
