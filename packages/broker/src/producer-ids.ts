import {
  keysFor,
  type MetadataStore,
  type ProducerIdsRecord,
  producerIdsCodec,
  StoreUnavailableError,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { Clock, Logger, Random } from '@ottla/runtime';
import type { ProducerIds as ProducerIdSource } from './services';

export interface ProducerIdsOptions {
  readonly store: Pick<MetadataStore, 'get' | 'txn'>;
  readonly clusterId: string;
  readonly self: { readonly broker: number; readonly run: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** No producer id at or above it is known to this broker, whatever the store says. */
  readonly knownBelow: () => number;
  /** The store gives out what it gave out before: it was restored from a backup. */
  readonly onRestored: (reason: string) => void;
}

/** Ids taken from the store at a time. */
const BLOCK = 1_000;
const ATTEMPTS = 10;
const RETRY_MS = 20;

/**
 * Gives out producer ids from blocks that this broker takes from the store, each by raising the stored number under a guard.
 * A block whose taking is in doubt is abandoned: an id may be skipped, none is given out twice.
 */
export class ProducerIds implements ProducerIdSource {
  private nextId = 0;
  private end = 0;
  private taking: Promise<void> | null = null;
  private readonly key: string;

  constructor(private readonly options: ProducerIdsOptions) {
    this.key = keysFor(options.clusterId).producerIds();
  }

  /** No producer id at or above it has been given out here. */
  get givenOutBelow(): number {
    return this.end;
  }

  /** Rejects with a retriable error when the store gives no block. */
  async next(): Promise<{ producerId: number; producerEpoch: number }> {
    while (this.nextId >= this.end) {
      this.taking ??= this.takeBlock().finally(() => {
        this.taking = null;
      });
      await this.taking;
    }
    return { producerId: this.nextId++, producerEpoch: 0 };
  }

  private async takeBlock(): Promise<void> {
    const { clock, random } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const first = await this.tryBlock();
      if (first !== null) {
        this.nextId = first;
        this.end = first + BLOCK;
        return;
      }
      await clock.sleep(random.below(RETRY_MS * attempt) + 1);
    }
    throw new OttlaError(
      'REQUEST_TIMED_OUT',
      `no block of producer ids could be taken in ${ATTEMPTS} attempts: other brokers were always faster`,
    );
  }

  private requireUnused(first: number): void {
    const known = this.options.knownBelow();
    if (first >= known) return;
    const reason = `the store gives out producer ids from ${first}, and ${known - 1} was given out before`;
    this.options.onRestored(reason);
    throw new StoreUnavailableError(`${reason}; waiting for a new generation of the store`, false);
  }

  /** The first id of a block taken; null when another broker was faster, or the outcome isn't known. */
  private async tryBlock(): Promise<number | null> {
    const { store, self, logger } = this.options;
    const { kv } = await store.get(this.key);
    const current = kv === null ? null : producerIdsCodec.decode(kv.value, this.key);
    const first = current?.nextProducerId ?? 0;
    this.requireUnused(first);
    const taken: ProducerIdsRecord = { ...current, version: 1, nextProducerId: first + BLOCK, ...self };
    try {
      const { succeeded } = await store.txn({
        compare: [{ key: this.key, target: 'mod', equals: kv?.modRevision ?? 0 }],
        success: [{ type: 'put', key: this.key, value: producerIdsCodec.encode(taken) }],
      });
      return succeeded ? first : null;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || !error.maybeApplied) throw error;
      logger.warn(`producer ids from ${first} are abandoned, their taking is in doubt: ${error.message}`);
      return null;
    }
  }
}
