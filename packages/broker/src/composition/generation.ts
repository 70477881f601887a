import { generationCodec, keysFor, type MetadataStore, StoreUnavailableError } from '@ottla/metadata';
import type { Clock, Logger } from '@ottla/runtime';

const RETRY_MS = 500;

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
