import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Commit } from '../../machine/history';
import { type KeyRange, keysFrom } from '../../machine/key-range';
import { WatchCursor } from '../../machine/watch-cursor';
import type { KeyValue } from '../../store';
import type { EventMessage, WatchCreateMessage, WatchRequestMessage, WatchResponseMessage } from './messages';
import type { ServedStore } from './served-store';
import type { Received } from './service-definitions';
import { fromKeyValue, toKeyRange } from './translation';

/** Events of about so many bytes go in one response. */
const RESPONSE_BYTES = 512 * 1024;
const WATCHES_MAX = 1_000;
const FILTER_PUT = 0;
const FILTER_DELETE = 1;
const NO_WATCH = -1;

interface ServedWatch {
  readonly id: number;
  readonly cursor: WatchCursor;
  readonly filters: readonly number[];
  readonly previous: boolean;
  /** Asked for, and owed once it has caught up. */
  progressOwed: boolean;
}

export type WatchCall = ServerDuplexStream<Received<WatchRequestMessage>, WatchResponseMessage>;

/**
 * One watch stream and its watches. Only durable revisions are sent. When the client reads too slowly its watches stay
 * where they are in the history; nothing is queued for it beyond the stream's own high-water mark.
 */
export class WatchSession {
  readonly #served: ServedStore;
  readonly #call: WatchCall;
  readonly #watches = new Map<number, ServedWatch>();
  readonly #stopListening: () => void;
  #nextId = 0;
  #blocked = false;
  #open = true;

  constructor(served: ServedStore, call: WatchCall, onClosed: (session: WatchSession) => void) {
    this.#served = served;
    this.#call = call;
    this.#stopListening = served.store.onDurable(() => this.#pump());
    call.on('data', (received: Received<WatchRequestMessage>) => this.#receive(received.message));
    call.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    const closed = () => {
      this.#close();
      onClosed(this);
    };
    call.on('end', () => call.end());
    call.on('error', closed);
    call.on('close', closed);
    call.on('cancelled', closed);
  }

  /** Ends the stream from this side; the client resumes elsewhere, or later. */
  end(): void {
    this.#close();
    this.#call.end();
  }

  #close(): void {
    this.#open = false;
    this.#stopListening();
    this.#watches.clear();
  }

  #receive(message: WatchRequestMessage): void {
    if (!this.#open) return;
    if (message.create_request) this.#create(message.create_request);
    else if (message.cancel_request) this.#cancel(Number(message.cancel_request.watch_id));
    else if (message.progress_request) for (const watch of this.#watches.values()) watch.progressOwed = true;
    this.#pump();
  }

  #create(request: WatchCreateMessage): void {
    const revision = this.#served.store.durableRevision;
    const refusal = this.#refusal(Number(request.watch_id));
    if (refusal !== null) {
      this.#send({ watch_id: NO_WATCH, created: true, canceled: true, cancel_reason: refusal }, revision);
      return;
    }
    const id = Number(request.watch_id) || this.#drawId();
    const start = Number(request.start_revision);
    this.#watches.set(id, {
      id,
      cursor: new WatchCursor(watchedRange(request), start > 0 ? start : revision + 1),
      filters: request.filters,
      previous: request.prev_kv,
      progressOwed: false,
    });
    this.#send({ watch_id: id, created: true }, revision);
  }

  #refusal(askedId: number): string | null {
    if (this.#watches.size >= WATCHES_MAX) return `a stream has at most ${WATCHES_MAX} watches; open another`;
    if (askedId !== 0 && this.#watches.has(askedId)) {
      return 'mvcc: duplicate watch ID provided on the WatchStream';
    }
    return null;
  }

  #drawId(): number {
    while (this.#watches.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #cancel(id: number): void {
    if (!this.#watches.delete(id)) return;
    this.#send({ watch_id: id, canceled: true }, this.#served.store.durableRevision);
  }

  #pump(): void {
    for (const watch of this.#watches.values()) {
      while (!this.#blocked && this.#open && this.#advance(watch)) {
        // Until it has caught up, or the client can't follow.
      }
    }
  }

  /** Sends a watch's next response. @returns false when there is none. */
  #advance(watch: ServedWatch): boolean {
    const { store } = this.#served;
    const { machine } = store;
    if (watch.cursor.isCompacted(machine)) {
      this.#watches.delete(watch.id);
      const message = { watch_id: watch.id, canceled: true, compact_revision: machine.compactRevision };
      this.#send(message, store.durableRevision);
      return false;
    }
    const events = this.#nextEvents(watch);
    if (events.length > 0) {
      this.#send({ watch_id: watch.id, events }, watch.cursor.next - 1);
      return true;
    }
    if (watch.progressOwed) {
      watch.progressOwed = false;
      this.#send({ watch_id: watch.id }, store.durableRevision);
    }
    return false;
  }

  #nextEvents(watch: ServedWatch): EventMessage[] {
    const { machine, durableRevision } = this.#served.store;
    const events: EventMessage[] = [];
    let bytes = 0;
    while (bytes < RESPONSE_BYTES) {
      const [commit] = watch.cursor.advance(machine, durableRevision, 1);
      if (commit === undefined) break;
      for (const event of this.#events(commit, watch)) {
        events.push(event);
        bytes += event.kv.key.length + event.kv.value.length + (event.prev_kv?.value.length ?? 0);
      }
    }
    return events;
  }

  #events(commit: Commit, watch: ServedWatch): EventMessage[] {
    const { machine } = this.#served.store;
    return commit.changes.flatMap((change): EventMessage[] => {
      const isPut = change.type === 'put';
      if (watch.filters.includes(isPut ? FILTER_PUT : FILTER_DELETE)) return [];
      const kv = isPut ? change.kv : tombstone(change.key, commit.revision);
      const previous = watch.previous ? machine.getAt(kv.key, commit.revision - 1) : null;
      const event: EventMessage = { type: isPut ? 0 : 1, kv: fromKeyValue(kv) };
      return [previous === null ? event : { ...event, prev_kv: fromKeyValue(previous) }];
    });
  }

  #send(message: Omit<WatchResponseMessage, 'header'>, revision: number): void {
    if (!this.#call.write({ header: this.#served.header(revision), ...message })) this.#blocked = true;
  }
}

function watchedRange(request: WatchCreateMessage): KeyRange {
  return request.key.length === 0 ? keysFrom('\0', null) : toKeyRange(request.key, request.range_end);
}

function tombstone(key: string, revision: number): KeyValue {
  return { key, value: new Uint8Array(), createRevision: 0, modRevision: revision, version: 0, lease: '0' };
}
