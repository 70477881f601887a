import {
  type Commit,
  type KeyValue,
  keysFrom,
  type MachineRecord,
  type MachineSnapshot,
  StoreMachine,
  type WatchEvent,
} from '@ottla/metadata';
import type { Random } from '@ottla/runtime';
import type { Network } from '../network/network';
import { Life } from '../process/life';
import type { SimTime } from '../time/sim-time';
import type { StoreHabits, StoreTroubles } from './habits';
import { MemberSession } from './member-session';
import { eventsOf } from './messages';
import type { FromMember, ToMember } from './protocol';

/** A revision of the store, as it was made. */
export interface StoreRevision {
  readonly at: number;
  readonly revision: number;
  /** The broker whose transaction made it; null for leases that ended by themselves and for what an operator did. */
  readonly writer: number | null;
  readonly events: readonly WatchEvent[];
}

export interface StoreListener {
  onRevision(revision: StoreRevision): void;
  /** A guard of a broker's transaction on one partition didn't hold. */
  onRefused?(writer: number, key: string): void;
  /** Another past took the place of the one known: what the store holds now. */
  onRestored(at: number, revision: number, entries: readonly KeyValue[]): void;
}

export type { StoreHabits, StoreTroubles } from './habits';

export const STORE_HOST = 'store';
export const STORE_PORT = 2379;

/** The metadata store of a cluster: etcd's machine in a process of its own, reached over the simulated network. */
export class SimStore {
  machine = new StoreMachine();
  life: Life;
  readonly troubles = new Map<number, StoreTroubles>();
  private readonly sessions = new Set<MemberSession>();
  private readonly listeners: StoreListener[] = [];
  private expiry: { cancel(): void } | null = null;
  private leaseId: bigint;
  private lives = 0;

  constructor(
    readonly time: SimTime,
    private readonly network: Network,
    random: Random,
    readonly habits: StoreHabits,
  ) {
    this.leaseId = BigInt(random.below(2 ** 31)) * 1000n;
    this.life = this.begin();
  }

  listen(listener: StoreListener): void {
    this.listeners.push(listener);
  }

  /** All that it holds now, sorted. */
  contents(): { readonly revision: number; readonly entries: readonly KeyValue[] } {
    const { kvs } = this.machine.range({ range: keysFrom('', null), revision: 0, limit: 0 });
    return { revision: this.machine.revision, entries: kvs };
  }

  troublesOf(broker: number): StoreTroubles {
    let troubles = this.troubles.get(broker);
    if (troubles === undefined) {
      troubles = { lostAnswers: 0, watchDelayMs: 0, cutCatchUps: 0 };
      this.troubles.set(broker, troubles);
    }
    return troubles;
  }

  drawLeaseId(): string {
    this.leaseId += 7n;
    return String(this.leaseId);
  }

  /** Carries something out on behalf of a broker, or of nobody. */
  apply<T>(writer: number | null, action: (machine: StoreMachine) => T): T {
    this.expireLeases();
    const before = this.machine.revision;
    try {
      return action(this.machine);
    } finally {
      this.afterChange(writer, before);
    }
  }

  refused(writer: number, key: string): void {
    for (const listener of this.listeners) listener.onRefused?.(writer, key);
  }

  /** The process dies; its data stays. */
  kill(): void {
    this.life.end('process');
  }

  restart(): void {
    if (!this.life.dead) return;
    this.machine.restartLeases(this.time.now());
    this.life = this.begin();
  }

  pause(): void {
    this.life.pause();
  }

  resume(): void {
    if (this.habits.forgivesStalls) this.machine.restartLeases(this.time.now());
    this.life.resume();
    this.life.run(() => this.apply(null, () => {}));
  }

  /** Ends the lease under which a broker is registered, as if its keep-alives had been lost. */
  endLeaseOf(brokerKey: string): boolean {
    this.expireLeases();
    const lease = this.machine.get(brokerKey)?.lease;
    if (lease === undefined || lease === '0') return false;
    this.apply(null, (machine) => machine.revoke(lease));
    return true;
  }

  compact(): void {
    const revision = this.machine.revision;
    if (revision > this.machine.compactRevision) this.apply(null, (machine) => machine.compact(revision));
  }

  snapshot(): MachineSnapshot {
    return this.machine.snapshot();
  }

  /** An operator restores a backup: the process is started again on it. Leases are gone with their holders' keys or get their time anew. */
  restore(snapshot: MachineSnapshot): void {
    this.kill();
    this.machine = StoreMachine.fromSnapshot(snapshot, this.time.now());
    this.life = this.begin();
    const { revision, entries } = this.contents();
    for (const listener of this.listeners) listener.onRestored(this.time.now(), revision, entries);
  }

  private begin(): Life {
    const life = new Life(this.time, `store.${++this.lives}`);
    this.sessions.clear();
    this.network.listen<FromMember, ToMember>(life, { host: STORE_HOST, port: STORE_PORT }, (end, remote) => {
      const session: MemberSession = new MemberSession(this, life, end, remote.host, () =>
        this.sessions.delete(session),
      );
      this.sessions.add(session);
    });
    life.onEnd(() => this.sessions.clear());
    this.armExpiry(life);
    return life;
  }

  private afterChange(writer: number | null, before: number): void {
    const { machine } = this;
    for (const commit of machine.history.from(before + 1)) this.tell(writer, commit);
    this.armExpiry(this.life);
    if (machine.revision > before) for (const session of this.sessions) session.onChange();
  }

  private tell(writer: number | null, commit: Commit): void {
    const revision = { at: this.time.now(), revision: commit.revision, writer, events: eventsOf(commit) };
    for (const listener of this.listeners) listener.onRevision(revision);
  }

  private expireLeases(): void {
    const before = this.machine.revision;
    const records: MachineRecord[] = this.machine.expire(this.time.now());
    if (records.length > 0) this.afterChange(null, before);
  }

  private armExpiry(life: Life): void {
    this.expiry?.cancel();
    const next = this.machine.nextExpiry();
    if (next === null) return;
    this.expiry = this.time.at(next, () => life.run(() => this.expireLeases()));
  }
}
