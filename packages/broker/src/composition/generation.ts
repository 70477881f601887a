import {
  generationCodec,
  keysFor,
  type LastRunRecord,
  lastRunCodec,
  type MetadataStore,
  StoreUnavailableError,
} from '@ottla/metadata';
import type { Clock, Logger } from '@ottla/runtime';

const RETRY_MS = 500;

export interface StoreWait {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs: number;
}

/**
 * Writes the first generation of a cluster that the store doesn't know yet. A store that gives no answer may still be
 * starting: tries again for at most `timeoutMs`, then rejects with why.
 */
export async function ensureGeneration(store: MetadataStore, clusterId: string, wait: StoreWait): Promise<void> {
  const key = keysFor(clusterId).generation();
  const value = generationCodec.encode({ version: 1, clusterId, generation: 1 });
  await untilAnswered(wait, () =>
    store.txn({
      compare: [{ key, target: 'create', equals: 0 }],
      success: [{ type: 'put', key, value }],
    }),
  );
}

/** The run in which a broker registered last; null when it never did. Waits for the store as `ensureGeneration` does. */
export async function readLastRun(
  store: MetadataStore,
  { clusterId, broker }: { readonly clusterId: string; readonly broker: number },
  wait: StoreWait,
): Promise<LastRunRecord | null> {
  const { kv } = await untilAnswered(wait, () => store.get(keysFor(clusterId).lastRun(broker)));
  return kv === null ? null : lastRunCodec.decode(kv.value, kv.key);
}

async function untilAnswered<T>({ clock, logger, timeoutMs }: StoreWait, ask: () => Promise<T>): Promise<T> {
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || clock.now() >= deadline) throw error;
      logger.warn(`waiting for the metadata store: ${error.message}`);
      await clock.sleep(RETRY_MS);
    }
  }
}
