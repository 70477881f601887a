import {
  type MemoryStore,
  type MetadataStore,
  StoreUnavailableError,
  type Txn,
  type TxnResult,
  type WatchEvent,
  type WatchHandler,
} from '@ottla/metadata';
import type { Clock } from '@ottla/runtime';

/** How long a call to a store that doesn't answer takes to fail. */
const CALL_TIMEOUT_MS = 1_000;

/** One broker's way to the store: it can be cut, its watch held up, and the answer to a transaction lost. */
export class FaultyStore implements MetadataStore {
  readonly keepAlives: { readonly lease: string; readonly at: number }[] = [];
  readonly transactions: { readonly txn: Txn; readonly result: TxnResult }[] = [];
  #cut = false;
  #watchHeld = false;
  #held: (() => void)[] = [];
  #answersLateMs = 0;
  #loseAnswer: ((txn: Txn) => boolean) | null = null;

  constructor(
    readonly inner: MemoryStore,
    readonly clock: Clock,
  ) {}

  /** No call is answered and no event arrives, until healed. */
  cut(): void {
    this.#cut = true;
    this.holdWatch();
  }

  heal(): void {
    this.#cut = false;
    this.releaseWatch();
  }

  holdWatch(): void {
    this.#watchHeld = true;
  }

  releaseWatch(): void {
    this.#watchHeld = false;
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver();
  }

  /** The next transaction that matches is applied, and its answer lost. */
  loseAnswerTo(matches: (txn: Txn) => boolean): void {
    this.#loseAnswer = matches;
  }

  /** From now on transactions are answered so much later than they are carried out. */
  answerLate(ms: number): void {
    this.#answersLateMs = ms;
  }

  get(key: string) {
    return this.#call(() => this.inner.get(key));
  }

  snapshot(prefix: string) {
    return this.#call(() => this.inner.snapshot(prefix));
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const lost = this.#loseAnswer?.(txn) ?? false;
    if (lost) this.#loseAnswer = null;
    const result = await this.#call(() => this.inner.txn(txn));
    if (this.#answersLateMs > 0) await this.clock.sleep(this.#answersLateMs);
    if (lost) throw new StoreUnavailableError('the answer was lost', true);
    this.transactions.push({ txn, result });
    return result;
  }

  grantLease(ttlMs: number) {
    return this.#call(() => this.inner.grantLease(ttlMs));
  }

  keepAlive(lease: string) {
    this.keepAlives.push({ lease, at: this.clock.now() });
    return this.#call(() => this.inner.keepAlive(lease));
  }

  revokeLease(lease: string) {
    return this.#call(() => this.inner.revokeLease(lease));
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler) {
    const through = (deliver: () => void) => {
      if (this.#watchHeld) this.#held.push(deliver);
      else deliver();
    };
    return this.inner.watch(prefix, fromRevision, {
      onRevision: (revision: number, events: readonly WatchEvent[]) =>
        through(() => handler.onRevision(revision, events)),
      onProgress: (revision: number) => through(() => handler.onProgress?.(revision)),
      onCompacted: (revision: number) => through(() => handler.onCompacted(revision)),
    });
  }

  async close(): Promise<void> {}

  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#cut) return call();
    await this.clock.sleep(CALL_TIMEOUT_MS);
    throw new StoreUnavailableError('no answer', false);
  }
}
