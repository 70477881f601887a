import type { ErrorName } from '@ottla/protocol';
import { DeadlineQueue } from './deadlines';
import { Group, type Member, type TimerPurpose } from './group';
import type {
  GroupCoordinatorOptions,
  GroupEffect,
  GroupEvent,
  GroupResponse,
  RecordToWrite,
  RequestContext,
} from './messages';
import { OffsetStore } from './offsets/store';

/** Errors of a write whose records may be in the log all the same. */
const IN_DOUBT: readonly ErrorName[] = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];

/** A write whose outcome isn't known yet. */
export interface PendingWrite {
  readonly id: number;
  /** The group that it is for, null when it is for several. */
  readonly group: string | null;
  /** What is written, for the log. */
  readonly what: string;
  /** Changes the state once the outcome is known. */
  readonly settle: (outcome: WriteOutcome) => void;
  /** Answer the requests that wait for it, after the state changed; also on `unload`, where nothing is settled. */
  readonly answers: ((error: ErrorName | null) => void)[];
}

export interface WriteOutcome {
  readonly writeId: number;
  /** Null: the records are below the high watermark. */
  readonly error: ErrorName | null;
  /** There is an error, and yet the records may be in the log. */
  readonly inDoubt: boolean;
}

/**
 * The state of one coordinator and the means by which the handlers change it: what they emit within a step is collected
 * here, and so are the writes that wait for their outcome.
 */
export class Shard {
  /** The time of the present step, wall ms. */
  now = 0;
  readonly groups = new Map<string, Group>();
  readonly offsets = new OffsetStore();
  readonly deadlines = new DeadlineQueue<TimerPurpose>();
  private readonly writes = new Map<number, PendingWrite>();
  private readonly deletionsInDoubt = new Set<Group>();
  private lastWriteId = 0;
  private effects: GroupEffect[] = [];

  constructor(readonly options: GroupCoordinatorOptions) {}

  takeEffects(): GroupEffect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  reply(request: RequestContext, body: GroupResponse): void {
    this.effects.push({ type: 'reply', requestId: request.requestId, body });
  }

  event(event: GroupEvent): void {
    this.effects.push({ type: 'event', event });
  }

  /** Starts a write of at least one record. */
  write(write: {
    records: readonly RecordToWrite[];
    group: string | null;
    what: string;
    settle?: (outcome: WriteOutcome) => void;
  }): PendingWrite {
    const id = ++this.lastWriteId;
    const { records, group, what, settle = () => {} } = write;
    const pending: PendingWrite = { id, group, what, settle, answers: [] };
    this.writes.set(id, pending);
    this.effects.push({ type: 'write', writeId: id, records });
    return pending;
  }

  /** Makes a request wait for the write; `answer` is called once, with the error that the request gets. */
  park(group: Group, write: PendingWrite, answer: (error: ErrorName | null) => void): void {
    group.parked++;
    write.answers.push((error) => {
      group.parked--;
      answer(error);
    });
  }

  /** Whether the group has as many waiting requests as it may. */
  isOverloaded(group: Group): boolean {
    return group.parked >= (this.options.maxPendingRequestsPerGroup ?? 10_000);
  }

  onWritten(writeId: number): void {
    this.finish(writeId, { writeId, error: null, inDoubt: false });
  }

  onWriteFailed(writeId: number, error: ErrorName): void {
    const write = this.writes.get(writeId);
    if (write) this.event({ kind: 'write-failed', group: write.group, what: write.what, error });
    this.finish(writeId, { writeId, error, inDoubt: IN_DOUBT.includes(error) });
  }

  /** A deletion failed and may be in the log: it counts once a later write is confirmed. */
  doubtDeletion(group: Group, writeId: number): void {
    group.deletionInDoubt = writeId;
    this.deletionsInDoubt.add(group);
  }

  /** Answers everything that waits for a write, and forgets all. */
  abandon(error: ErrorName): void {
    for (const write of this.writes.values()) for (const answer of write.answers) answer(error);
    this.writes.clear();
    this.deletionsInDoubt.clear();
    this.groups.clear();
    this.offsets.clear();
    this.deadlines.clear();
  }

  groupOrNew(groupId: string): Group {
    let group = this.groups.get(groupId);
    if (!group) {
      group = new Group(groupId, this.now);
      this.groups.set(groupId, group);
    }
    return group;
  }

  /** Takes a group out, with its timers. */
  removeGroup(group: Group): void {
    for (const member of group.members.values()) this.deadlines.cancel(member.session);
    for (const timer of group.pendingJoins.values()) this.deadlines.cancel(timer);
    group.pendingJoins.clear();
    this.deadlines.cancel(group.joinTimer);
    this.deadlines.cancel(group.syncTimer);
    this.deletionsInDoubt.delete(group);
    if (this.groups.get(group.id) === group) this.groups.delete(group.id);
  }

  /** Forgets a group of which neither the log nor anybody waiting knows anything. */
  forgetIfUnused(group: Group): void {
    if (group.state !== 'Empty' || group.recorded || group.pendingJoins.size > 0) return;
    if (group.parked === 0 && !this.offsets.has(group.id)) this.removeGroup(group);
  }

  /** Gives the member a full session from now on. */
  renewSession(member: Member, timeoutMs: number = member.sessionTimeoutMs): void {
    this.deadlines.schedule(member.session, this.now + timeoutMs);
  }

  private finish(writeId: number, outcome: WriteOutcome): void {
    const write = this.writes.get(writeId);
    if (!write) return;
    this.writes.delete(writeId);
    if (outcome.error === null) this.confirmDoubtsBefore(writeId);
    write.settle(outcome);
    for (const answer of write.answers) answer(outcome.error);
  }

  private confirmDoubtsBefore(writeId: number): void {
    const touched = this.offsets.confirmDoubtsBefore(writeId);
    for (const group of this.deletionsInDoubt) {
      if (group.deletionInDoubt! >= writeId) continue;
      group.deletionInDoubt = null;
      this.deletionsInDoubt.delete(group);
      if (group.state === 'Empty') this.removeGroup(group);
    }
    for (const groupId of touched) {
      const group = this.offsets.has(groupId) ? this.groupOrNew(groupId) : this.groups.get(groupId);
      if (group) this.forgetIfUnused(group);
    }
  }
}
