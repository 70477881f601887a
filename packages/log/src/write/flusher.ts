import { SerialQueue, type Timer } from '@ottla/runtime';
import { writeLeaderEpochs } from '../files/leader-epoch-file';
import { syncTopicId } from '../files/partition-metadata';
import type { LogState } from '../partition/log-state';
import { writeSnapshot } from '../recovery/producers';

/** Truncations and flushes that may wait for one another. */
const MAX_WAITING = 64;
/** A writer that rolls faster than the disk can sync waits when this many segments are behind. */
const MAX_ROLLED = 8;

/** Makes what is written durable, in order, and moves the recovery point behind it. */
export class Flusher {
  readonly #state: LogState;
  readonly #queue: SerialQueue;
  #waiting: Promise<void> | null = null;
  #rolledWaiting: Promise<void> | null = null;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;

  constructor(state: LogState) {
    this.#state = state;
    this.#queue = new SerialQueue({ name: `${state.name}: flushes`, capacity: MAX_WAITING });
  }

  /** Resolves when everything confirmed by now is durable. */
  flush(): Promise<void> {
    this.#waiting ??= this.#queue.run(async () => {
      // Not before the assignment above: a flush that has begun must not be joined by what is confirmed later.
      await Promise.resolve();
      this.#waiting = null;
      await this.#flush();
    });
    return this.#waiting;
  }

  /** Makes the folder itself durable, with partition.metadata, which tells whose it is. */
  async syncFolder(): Promise<void> {
    const { context, options } = this.#state;
    await this.#state.syncFolder(() => syncTopicId(context.disk, options.dir));
    await this.#state.syncNames();
  }

  /** Runs `task` while no flush does. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return this.#queue.run(task);
  }

  /** A segment was closed: its fsync begins, and is waited for only when too many are behind. */
  async afterRoll(): Promise<void> {
    const flushed = this.#flushRolledInTurn();
    if (this.#state.rolled.length > MAX_ROLLED) await flushed;
    else this.#inBackground(flushed);
  }

  /** Before batches up to `end` are confirmed: whether `flush.messages` wants them durable first. */
  isDue(end: number): boolean {
    return end - this.#state.recoveryPoint >= this.#state.context.config.flushMessages;
  }

  /** fsyncs the active segment, batches included that are not confirmed yet. */
  async syncActive(): Promise<void> {
    const state = this.#state;
    await state.syncFile(state.active.file);
    await this.syncFolder();
  }

  /** Batches were confirmed; `synced` tells that `syncActive` covered them. */
  afterAppend(synced: boolean): void {
    const state = this.#state;
    if (synced && state.rolled.length === 0) state.recoveryPoint = state.logEnd;
    if (this.#timer === null) this.#arm();
  }

  /** `flush.ms` may be another now: what waits to be flushed waits no longer than that from now. */
  configChanged(): void {
    if (!this.#state.closed) this.#arm();
  }

  stop(): void {
    this.#timer?.timer.cancel();
    this.#timer = null;
  }

  #arm(): void {
    const { context, options, recoveryPoint, logEnd } = this.#state;
    const { flushMs } = context.config;
    if (flushMs === Number.POSITIVE_INFINITY || recoveryPoint === logEnd) return;
    const at = options.clock.now() + flushMs;
    if (this.#timer !== null && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const timer = options.clock.after(flushMs, () => {
      this.#timer = null;
      this.#inBackground(this.flush());
    });
    this.#timer = { at, timer };
  }

  /** Rolled segments only: the active one is left to the flush policy. */
  #flushRolledInTurn(): Promise<void> {
    this.#rolledWaiting ??= this.#queue.run(async () => {
      await Promise.resolve();
      this.#rolledWaiting = null;
      this.#state.requireUsable();
      await this.#flushRolled();
    });
    return this.#rolledWaiting;
  }

  async #flush(): Promise<void> {
    const state = this.#state;
    state.requireUsable();
    // Another segment may be rolled at any await; the end is taken when everything before the active one is durable.
    while (state.rolled.length > 0) await this.#flushRolled();
    const end = state.logEnd;
    if (state.recoveryPoint >= end) return;
    await this.syncActive();
    state.recoveryPoint = Math.max(state.recoveryPoint, end);
  }

  async #flushRolled(): Promise<void> {
    const state = this.#state;
    const { disk } = state.context;
    for (let next = state.rolled[0]; next !== undefined; next = state.rolled[0]) {
      for (const file of next.segment.files) await state.syncFile(file);
      const end = state.segments.after(next.segment)?.baseOffset ?? state.logEnd;
      await writeSnapshot(state, end, next.producers);
      if (state.epochsDirty) {
        state.epochsDirty = false;
        await writeLeaderEpochs(disk, state.options.dir, state.epochs).catch((error) => {
          state.epochsDirty = true;
          throw error;
        });
      }
      await this.syncFolder();
      state.rolled.shift();
      state.recoveryPoint = Math.max(state.recoveryPoint, end);
    }
  }

  /** Nobody waits for it: the log tells when it goes offline, anything else is tried again with the next flush. */
  #inBackground(flushed: Promise<void>): void {
    flushed.catch((error) => {
      const { failure, closed, name, options } = this.#state;
      if (failure === null && !closed) options.logger.warn(`${name}: flushing failed, trying again later`, { error });
    });
  }
}
