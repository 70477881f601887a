import { MachineError, type StoreMachine, WatchCursor } from '@ottla/metadata';
import type { PipeEnd } from '../network/pipe';
import type { Life } from '../process/life';
import type { SimTime } from '../time/sim-time';
import type { StoreHabits, StoreTroubles } from './habits';
import {
  fromCommit,
  fromKeyValue,
  fromResult,
  type RangeMessage,
  refusal,
  type TxnMessage,
  toRange,
  toTransaction,
  type WatchMessage,
} from './messages';
import { type FromMember, PACKET_BYTES, type ToMember } from './protocol';

/** The store as its sessions have it. */
export interface SessionStore {
  readonly time: SimTime;
  readonly machine: StoreMachine;
  readonly habits: StoreHabits;
  troublesOf(broker: number): StoreTroubles;
  /** Carries something out on behalf of a broker. */
  apply<T>(writer: number, action: (machine: StoreMachine) => T): T;
  /** The guards of a broker's transaction on one key didn't hold. */
  refused(writer: number, key: string): void;
  drawLeaseId(): string;
}

interface ServedWatch {
  readonly stream: number;
  readonly cursor: WatchCursor;
  /** A response is planned. */
  planned: boolean;
  progressOwed: boolean;
  /** Behind the newest revision when it was created, and not there yet. */
  catchingUp: boolean;
  responses: number;
}

const LIVE_CHUNK = 100;

/** One client's connection to the store. */
export class MemberSession {
  private readonly watches = new Map<number, ServedWatch>();
  private readonly broker: number;

  constructor(
    private readonly store: SessionStore,
    private readonly life: Life,
    private readonly end: PipeEnd<FromMember, ToMember>,
    client: string,
    private readonly onClosed: () => void,
  ) {
    this.broker = Number(client.replace(/^\D+/, ''));
    end.handle({
      item: (packet) => this.receive(packet),
      fin: () => this.close(),
      reset: () => this.close(),
    });
  }

  /** The store has a new revision. */
  onChange(): void {
    for (const watch of this.watches.values()) this.plan(watch, this.store.habits.syncMs);
  }

  private close(): void {
    this.end.close();
    this.watches.clear();
    this.onClosed();
  }

  private receive(packet: ToMember): void {
    switch (packet.type) {
      case 'call':
        return this.onCall(packet.id, packet.method, packet.request);
      case 'open':
        return;
      case 'write':
        if ('ID' in packet.message) return this.onKeepAlive(packet.id, packet.message.ID);
        return this.onWatchMessage(packet.id, packet.message);
      case 'cancel':
        this.watches.delete(packet.id);
    }
  }

  private onCall(id: number, method: string, request: unknown): void {
    const before = this.store.machine.revision;
    let answer: FromMember;
    try {
      answer = { type: 'answer', id, value: this.carryOut(method, request) };
    } catch (error) {
      answer = { type: 'refusal', id, message: refusal(error) };
    }
    const wrote = this.store.machine.revision > before;
    const troubles = this.store.troublesOf(this.broker);
    if (wrote && method === 'txn' && troubles.lostAnswers > 0) {
      troubles.lostAnswers--;
      this.end.reset();
      return this.close();
    }
    const delay = wrote ? this.store.habits.syncMs : 0;
    if (delay === 0) this.send(answer);
    else this.store.time.after(delay, () => this.life.run(() => this.send(answer)));
  }

  private carryOut(method: string, request: unknown): object {
    const { store } = this;
    switch (method) {
      case 'range': {
        const message = request as RangeMessage;
        const { revision = 0, limit = 0 } = message;
        const found = store.apply(this.broker, (machine) =>
          machine.range({ range: toRange(message), revision, limit }),
        );
        const { kvs, more, count } = found;
        return this.headed({ kvs: kvs.map(fromKeyValue), more, count: String(count) });
      }
      case 'txn': {
        const transaction = toTransaction(request as TxnMessage);
        const { result } = store.apply(this.broker, (machine) => machine.transact(transaction));
        const [write] = transaction.success;
        if (!result.succeeded && transaction.success.length === 1 && write?.type === 'put') {
          store.refused(this.broker, write.key);
        }
        return this.headed({ succeeded: result.succeeded, responses: result.results.map(fromResult) });
      }
      case 'leaseGrant': {
        const seconds = Math.max(2, Number((request as { TTL: number }).TTL));
        const id = store.drawLeaseId();
        store.apply(this.broker, (machine) => machine.grant(id, seconds * 1000, store.time.now()));
        return this.headed({ ID: id, TTL: String(seconds) });
      }
      default:
        store.apply(this.broker, (machine) => machine.revoke((request as { ID: string }).ID));
        return this.headed({});
    }
  }

  private onKeepAlive(stream: number, lease: string): void {
    const { store } = this;
    let seconds = 0;
    try {
      seconds = Math.ceil(store.apply(this.broker, (machine) => machine.keepAlive(lease, store.time.now())) / 1000);
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
    }
    this.send({ type: 'data', id: stream, message: this.headed({ ID: lease, TTL: String(seconds) }) });
  }

  private onWatchMessage(stream: number, { create_request: create, progress_request: progress }: WatchMessage): void {
    if (progress !== undefined) {
      const watch = this.watches.get(stream);
      if (watch === undefined) return;
      watch.progressOwed = true;
      return this.plan(watch, 0);
    }
    if (create === undefined) return;
    const start = create.start_revision > 0 ? create.start_revision : this.store.machine.revision + 1;
    const watch: ServedWatch = {
      ...{ stream, cursor: new WatchCursor(toRange(create), start), planned: false, progressOwed: false },
      ...{ catchingUp: start <= this.store.machine.revision, responses: 0 },
    };
    this.watches.set(stream, watch);
    this.sendWatch(watch, { created: true, events: [] });
    this.plan(watch, 0);
  }

  private plan(watch: ServedWatch, delayMs: number): void {
    if (watch.planned) return;
    watch.planned = true;
    const { time } = this.store;
    time.after(delayMs + this.store.troublesOf(this.broker).watchDelayMs, () =>
      this.life.run(() => {
        watch.planned = false;
        if (this.watches.get(watch.stream) === watch) this.advance(watch);
      }),
    );
  }

  /** Sends a watch's next response. */
  private advance(watch: ServedWatch): void {
    const { machine, habits } = this.store;
    if (watch.cursor.isCompacted(machine)) {
      this.watches.delete(watch.stream);
      return this.sendWatch(watch, {
        ...{ canceled: true, compact_revision: String(machine.compactRevision), events: [] },
      });
    }
    const troubles = this.store.troublesOf(this.broker);
    if (watch.catchingUp && watch.responses > 0 && troubles.cutCatchUps > 0) {
      troubles.cutCatchUps--;
      this.end.reset();
      return this.close();
    }
    const limit = watch.catchingUp ? habits.chunk : LIVE_CHUNK;
    const commits = watch.cursor.advance(machine, machine.revision, limit);
    if (commits.length > 0) {
      watch.responses++;
      const last = commits.at(-1)!.revision;
      this.sendWatch(watch, { events: commits.flatMap(fromCommit) }, habits.newestInHeaders ? undefined : last);
    }
    if (watch.cursor.next <= machine.revision) return this.plan(watch, habits.chunkPauseMs);
    watch.catchingUp = false;
    if (!watch.progressOwed) return;
    watch.progressOwed = false;
    this.sendWatch(watch, { events: [] });
  }

  private sendWatch(watch: ServedWatch, message: object, revision?: number): void {
    this.send({ type: 'data', id: watch.stream, message: { ...this.headed({ watch_id: '0' }, revision), ...message } });
  }

  private headed(message: object, revision = this.store.machine.revision): object {
    return { header: { revision: String(revision) }, ...message };
  }

  private send(packet: FromMember): void {
    this.end.send(packet, PACKET_BYTES);
  }
}
