import type { OttlaError } from '@ottla/protocol';
import { type Clock, type Disk, type Logger, nodeRandom } from '@ottla/runtime';
import { DurableStore, type DurableStoreOptions } from './durable-store';
import { serveEtcd } from './server/etcd-server';

export interface EmbeddedStoreOptions {
  /** Its directory; created when absent. One process at a time may use it. */
  readonly dir: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly limits?: Pick<DurableStoreOptions, 'retainedChanges' | 'logBytesMax'>;
}

export interface EmbeddedStore {
  /** `host:port` for EtcdStore and etcdctl. */
  readonly endpoint: string;
  readonly port: number;
  /** Settles, with the reason, when the store can't go on (its disk failed) and serves no more; never otherwise. */
  readonly failed: Promise<OttlaError>;
  close(): Promise<void>;
}

const STORE_ID_BYTES = 8;

/**
 * Starts the durable store of a directory and serves it as the part of etcd's v3 gRPC API that Ottla and etcdctl use.
 *
 * A transaction is answered when it's on disk. History is kept for watches that resume, and compacted by itself. Leases
 * survive a restart with a full TTL.
 *
 * @throws OttlaError KAFKA_STORAGE_ERROR when the directory is in use, can't be written or is damaged; INVALID_CONFIG
 *   when the port can't be had.
 */
export async function startEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dir, disk, clock, logger, host, limits } = options;
  const newStoreId = Buffer.from(nodeRandom.bytes(STORE_ID_BYTES)).toString('hex');
  const store = await DurableStore.open({ ...limits, dir, disk, clock, logger, newStoreId });
  try {
    const server = await serveEtcd(store, { host, port: options.port, clock, random: nodeRandom });
    return {
      endpoint: `${host.includes(':') ? `[${host}]` : host}:${server.port}`,
      port: server.port,
      failed: store.failed,
      close: async () => {
        await server.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
