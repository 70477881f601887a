import { join } from 'node:path';
import { EtcdStore, generationCodec, keysFor, type MetadataStore, startEmbeddedStore } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import { type Clock, type Logger, nodeDisk } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';

export interface OpenStore {
  readonly store: MetadataStore;
  /** Settles when an embedded store that runs in this process can't go on. */
  readonly failed: Promise<OttlaError>;
  close(): Promise<void>;
}

const NEVER = new Promise<OttlaError>(() => {});

/** The store that the configuration names; an embedded one without endpoints is started in this process. */
export async function openMetadataStore(config: BrokerConfig, clock: Clock, logger: Logger): Promise<OpenStore> {
  const endpoints = config['metadata.store.endpoints'].map(({ host, port }) => `${host}:${port}`);
  const requestTimeoutMs = config['metadata.store.request.timeout.ms'];
  if (endpoints.length > 0) {
    const store = new EtcdStore({ endpoints, clock, logger, requestTimeoutMs });
    return { store, failed: NEVER, close: () => store.close() };
  }
  const dir = config['metadata.store.dir'] ?? join(config['log.dirs'][0]!, 'metadata');
  const { host, port } = config['metadata.store.listen'];
  const embedded = await startEmbeddedStore({ dir, host, port, clock, disk: nodeDisk, logger });
  const store = new EtcdStore({ endpoints: [embedded.endpoint], clock, logger, requestTimeoutMs });
  const close = async (): Promise<void> => {
    await store.close();
    await embedded.close();
  };
  return { store, failed: embedded.failed, close };
}

/** Writes the first generation of a cluster that the store doesn't know yet. */
export async function ensureGeneration(store: MetadataStore, clusterId: string): Promise<void> {
  const key = keysFor(clusterId).generation();
  await store.txn({
    compare: [{ key, target: 'create', equals: 0 }],
    success: [{ type: 'put', key, value: generationCodec.encode({ version: 1, clusterId, generation: 1 }) }],
  });
}
