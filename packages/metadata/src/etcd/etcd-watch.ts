import type { Clock, Logger } from '@ottla/runtime';
import type { KeyValue, Watch, WatchHandler } from '../store';
import type { EtcdConnection } from './client-library';
import type { Connections } from './connections';
import { checkHistory, type HistoryReader, type Witness } from './history-check';
import { WatchStream } from './watch-stream';

export interface EtcdWatchOptions {
  readonly prefix: string;
  readonly fromRevision: number;
  readonly handler: WatchHandler;
  readonly witness: KeyValue | null;
  readonly connections: Connections;
  readonly reader: HistoryReader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After so long without any message, asked for or not, the stream counts as dead. */
  readonly silenceMaxMs: number;
  readonly onEnded: () => void;
}

const BACKOFF_FIRST_MS = 25;
const BACKOFF_MAX_MS = 1_000;

/**
 * One watch across any number of streams. It resumes from the last revision it has delivered, never from what a header
 * says: etcd sends a long catch-up in chunks whose headers already carry the newest revision.
 */
export class EtcdWatch implements Watch {
  readonly #options: EtcdWatchOptions;
  readonly #closing = new AbortController();
  #stream: WatchStream | null = null;
  #next: number;
  #witness: Witness | null;
  #backoffMs = BACKOFF_FIRST_MS;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
    this.#next = options.fromRevision;
    this.#witness = options.witness === null ? null : { type: 'put', kv: options.witness };
    // Never within the caller's turn.
    queueMicrotask(() => this.#run());
  }

  close(): void {
    this.#closing.abort();
    this.#stream?.cancel();
  }

  /** Connects again, and so looks at the store's past again. */
  recheck(): void {
    this.#stream?.fail(new Error('revisions went back'));
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(): Promise<void> {
    const { clock, connections, logger, onEnded, prefix } = this.#options;
    while (!this.#closed) {
      const connection = connections.current;
      try {
        await this.#follow(connection);
      } catch (error) {
        if (this.#closed) break;
        const reason = (error as Error).message;
        logger.warn('metadata store: watch interrupted', { prefix, nextRevision: this.#next, reason });
        connections.failed(connection, reason);
        await clock.sleep(this.#backoffMs, this.#closing.signal).catch(() => undefined);
        this.#backoffMs = Math.min(2 * this.#backoffMs, BACKOFF_MAX_MS);
      }
    }
    onEnded();
  }

  /** Follows one stream until it breaks (throws) or the watch is over (closes it). */
  async #follow(connection: EtcdConnection): Promise<void> {
    const { prefix, clock, silenceMaxMs } = this.#options;
    const stream = new WatchStream({ open: () => connection.openWatch(), prefix, clock, silenceMaxMs });
    this.#stream = stream;
    try {
      await stream.open(this.#next);
      // After the stream was created: whatever replaces the store later breaks the stream first.
      if (await this.#isOver()) return;
      await stream.deliver({
        onRevision: (revision, events) => this.#deliver(revision, events),
        onProgress: (revision) => {
          if (!this.#closed && revision >= this.#next - 1) this.#options.handler.onProgress?.(revision);
        },
        onCompacted: (revision) => this.#end(() => this.#options.handler.onCompacted(revision)),
      });
    } finally {
      stream.cancel();
    }
  }

  #deliver(revision: number, events: Parameters<WatchHandler['onRevision']>[1]): void {
    if (this.#closed || revision < this.#next) return;
    this.#next = revision + 1;
    this.#backoffMs = BACKOFF_FIRST_MS;
    const last = events.at(-1);
    if (last?.type === 'put') this.#witness = { type: 'put', kv: last.kv };
    else if (last !== undefined) this.#witness = { type: 'delete', key: last.key, revision };
    this.#options.handler.onRevision(revision, events);
  }

  /** The store has another past than what was delivered, or doesn't keep what would tell. */
  async #isOver(): Promise<boolean> {
    const { reader, prefix, handler } = this.#options;
    const found = await checkHistory(reader, this.#next - 1, this.#witness, prefix || '\0');
    if (found.kind === 'same' || this.#closed) return false;
    this.#end(() => {
      if (found.kind === 'unknown') handler.onCompacted(found.compactRevision);
      else if (handler.onHistoryChanged) handler.onHistoryChanged(found.reason);
      else handler.onCompacted(0);
    });
    return true;
  }

  #end(tell: () => void): void {
    if (this.#closed) return;
    this.#closing.abort();
    tell();
  }
}
