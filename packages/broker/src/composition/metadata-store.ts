import { join } from 'node:path';
import {
  EtcdStore,
  generationCodec,
  keysFor,
  type MetadataStore,
  StoreUnavailableError,
  startEmbeddedStore,
} from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import { type Clock, type Logger, nodeDisk } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';

export interface OpenStore {
  readonly store: MetadataStore;
  /** Settles when an embedded store that runs in this process can't go on. */
  readonly failed: Promise<OttlaError>;
  close(): Promise<void>;
}

const RETRY_MS = 500;
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

/**
 * Writes the first generation of a cluster that the store doesn't know yet. A store that gives no answer may still be
 * starting: tries again for at most `timeoutMs`, then rejects with why.
 */
export async function ensureGeneration(
  store: MetadataStore,
  clusterId: string,
  options: { readonly clock: Clock; readonly logger: Logger; readonly timeoutMs: number },
): Promise<void> {
  const { clock, logger, timeoutMs } = options;
  const key = keysFor(clusterId).generation();
  const deadline = clock.now() + timeoutMs;
  const value = generationCodec.encode({ version: 1, clusterId, generation: 1 });
  for (;;) {
    try {
      await store.txn({
        compare: [{ key, target: 'create', equals: 0 }],
        success: [{ type: 'put', key, value }],
      });
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || clock.now() >= deadline) throw error;
      logger.warn(`waiting for the metadata store: ${error.message}`);
      await clock.sleep(RETRY_MS);
    }
  }
}
