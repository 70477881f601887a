import { type Clock, Deferred, type Timer } from '@ottla/runtime';
import type { IEvent, IWatchResponse } from 'etcd3';
import type { WatchEvent } from '../store';
import type { EtcdWatchStream } from './client-library';
import { fromKeyValue, prefixRange } from './translation';

export interface WatchStreamOptions {
  /** Opens the gRPC stream. */
  open(): Promise<EtcdWatchStream>;
  readonly prefix: string;
  readonly clock: Clock;
  readonly silenceMaxMs: number;
}

export interface StreamReceiver {
  onRevision(revision: number, events: WatchEvent[]): void;
  onProgress(revision: number): void;
  onCompacted(compactRevision: number): void;
}

/** etcd's id for progress that concerns no watch in particular; before 3.4.25 it may overtake events. */
const NO_WATCH = '-1';
/** Silent for this part of the limit: asks for a sign of life. */
const ASK_AFTER = 0.4;

/** One gRPC stream with one watch on it. */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #created = new Deferred<void>();
  readonly #over = new Deferred<void>();
  #stream: EtcdWatchStream | null = null;
  #receiver: StreamReceiver | null = null;
  #heardAt = 0;
  #timer: Timer | null = null;
  /** Events of the newest revision, of which a fragmented response may still bring more. */
  #held: WatchEvent[] = [];
  #heldRevision = 0;
  #compacted = 0;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    // Either may fail while nobody waits for it.
    this.#created.promise.catch(() => undefined);
    this.#over.promise.catch(() => undefined);
  }

  /** Resolves when the server has created the watch; nothing is read from it until `deliver`. */
  async open(startRevision: number): Promise<void> {
    this.#heard();
    this.#watchSilence();
    const stream = await this.#options.open();
    this.#stream = stream;
    stream.on('data', (response: IWatchResponse) => this.#received(response));
    stream.on('error', (error) => this.fail(error));
    stream.on('end', () => this.fail(new Error('the server ended the watch stream')));
    if (this.#over.settled) stream.cancel();
    stream.write({
      create_request: {
        ...prefixRange(this.#options.prefix),
        start_revision: startRevision,
        progress_notify: true,
        fragment: true,
      },
    });
    await this.#created.promise;
  }

  /** Delivers until the watch is over; throws when the stream breaks. */
  async deliver(receiver: StreamReceiver): Promise<void> {
    this.#receiver = receiver;
    if (this.#compacted > 0) receiver.onCompacted(this.#compacted);
    this.#heard();
    this.#stream?.resume();
    await this.#over.promise;
  }

  cancel(): void {
    this.fail(new Error('cancelled'));
  }

  fail(error: Error): void {
    this.#timer?.cancel();
    this.#created.reject(error);
    this.#over.reject(error);
    this.#stream?.cancel();
  }

  #received(response: IWatchResponse): void {
    this.#heard();
    if (this.#over.settled) return;
    if (response.canceled) this.#canceled(response);
    else if (response.created) this.#wasCreated();
    else if (response.events.length > 0 || this.#held.length > 0) this.#hold(response);
    else if (String(response.watch_id) !== NO_WATCH) this.#receiver?.onProgress(Number(response.header.revision));
  }

  #wasCreated(): void {
    this.#stream?.pause();
    this.#created.resolve();
  }

  #canceled(response: IWatchResponse): void {
    const compacted = Number(response.compact_revision);
    if (compacted === 0) {
      const reason = (response as { cancel_reason?: string }).cancel_reason || 'no reason given';
      this.fail(new Error(`the server cancelled the watch: ${reason}`));
      return;
    }
    this.#compacted = compacted;
    this.#created.resolve();
    this.#receiver?.onCompacted(compacted);
    this.#over.resolve();
  }

  /** Passes on every revision that is whole. */
  #hold(response: IWatchResponse): void {
    for (const event of response.events) {
      const revision = Number(event.kv.mod_revision);
      if (revision !== this.#heldRevision) this.#release();
      this.#heldRevision = revision;
      this.#held.push(toEvent(event));
    }
    if (!(response as { fragment?: boolean }).fragment) this.#release();
  }

  #release(): void {
    const events = this.#held;
    this.#held = [];
    if (events.length > 0) this.#receiver?.onRevision(this.#heldRevision, events);
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.now();
  }

  /** A peer that has stopped keeps its connection: only asking tells. */
  #watchSilence(): void {
    const { clock, silenceMaxMs } = this.#options;
    this.#timer = clock.after(silenceMaxMs * ASK_AFTER, () => {
      const silentMs = clock.now() - this.#heardAt;
      if (this.#over.settled) return;
      if (silentMs >= silenceMaxMs) {
        this.fail(new Error(`no sign of life from the server for ${Math.round(silentMs)} ms`));
        return;
      }
      if (silentMs >= silenceMaxMs * ASK_AFTER) this.#stream?.write({ progress_request: {} });
      this.#watchSilence();
    });
  }
}

function toEvent(event: IEvent): WatchEvent {
  if (String(event.type).toUpperCase() === 'DELETE') {
    return { type: 'delete', key: event.kv.key.toString(), modRevision: Number(event.kv.mod_revision) };
  }
  const kv = fromKeyValue(event.kv);
  return { type: 'put', key: kv.key, kv };
}
