import { type Timer, timerFor } from './deadlines';
import type { RequestContext } from './messages';

/**
 * Empty: no members (offsets may be there). PreparingRebalance: members are called to rejoin. CompletingRebalance: the
 * next generation is known, its assignment not yet written. Stable: the assignment is in the log. Dead: being deleted.
 */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** States from which a rebalance may start. */
const REBALANCEABLE: readonly GroupState[] = ['Empty', 'CompletingRebalance', 'Stable'];

const PREVIOUS: Record<GroupState, readonly GroupState[]> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: REBALANCEABLE,
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
};

export const NO_ASSIGNMENT = new Uint8Array(0);

/** A rebalance protocol (for consumers: an assignor) that a member offers, with the member's metadata for it. */
export interface JoinProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface Member {
  readonly id: string;
  /** `group.instance.id` of a static member (KIP-345), null for a dynamic one. */
  readonly instance: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the member's order of preference, no name twice. */
  protocols: readonly JoinProtocol[];
  assignment: Uint8Array;
  /** The JoinGroup that waits for the rebalance. */
  awaitingJoin: RequestContext | null;
  /** The SyncGroup that waits for the assignment. */
  awaitingSync: RequestContext | null;
  /** Has not been answered a JoinGroup yet, so it can't heartbeat and may expire while it waits. */
  isNew: boolean;
  readonly session: Timer<TimerPurpose>;
}

export type TimerPurpose =
  | { readonly kind: 'session'; readonly group: Group; readonly memberId: string }
  | { readonly kind: 'join'; readonly group: Group }
  | { readonly kind: 'sync'; readonly group: Group }
  | { readonly kind: 'retention' }
  | { readonly kind: 'retry-tombstones' };

/** The rebalance under way, for the log. */
export interface Rebalance {
  readonly startedAt: number;
  readonly cause: string;
}

/** Why a member may not act: the error that its request gets. */
export type MemberError = 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID';

/** A group of the classic protocol: its state as data, with the changes that keep it consistent. */
export class Group {
  state: GroupState = 'Empty';
  previousState: GroupState = 'Dead';
  /** When `state` was entered, in ms; null when an old record didn't say. */
  stateSince: number | null;
  protocolType: string | null = null;
  protocolName: string | null = null;
  generation = 0;
  leader: string | null = null;
  readonly members = new Map<string, Member>();
  /** Member ids by `group.instance.id`. */
  readonly statics = new Map<string, string>();
  /** Members that were given an id (MEMBER_ID_REQUIRED) and have yet to join with it, with their expiry. */
  readonly pendingJoins = new Map<string, Timer<TimerPurpose>>();
  /** Members of this generation that have yet to send SyncGroup. */
  readonly pendingSyncs = new Set<string>();
  /** Topics that the members of a consumer group subscribe to; null when unknown. */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** A member came during the initial delay, which is then prolonged. */
  memberAdded = false;
  /** The initial delay under way: this step of it, and what it may be prolonged by in all. */
  initialDelay: { readonly stepMs: number; readonly remainingMs: number } | null = null;
  readonly joinTimer: Timer<TimerPurpose>;
  readonly syncTimer: Timer<TimerPurpose>;
  rebalance: Rebalance | null = null;
  /** The log may hold a record of the group, so its removal takes a tombstone. */
  recorded = false;
  /** An assignment of the present generation is being written. */
  assignmentInFlight = false;
  /** The write id of a deletion that failed and may be in the log all the same. */
  deletionInDoubt: number | null = null;
  /** Requests that wait for a write, not counting members' SyncGroups. */
  parked = 0;
  private awaitingJoins = 0;
  private readonly offers = new Map<string, number>();

  constructor(
    readonly id: string,
    now: number,
  ) {
    this.stateSince = now;
    this.joinTimer = timerFor({ kind: 'join', group: this });
    this.syncTimer = timerFor({ kind: 'sync', group: this });
  }

  transitionTo(state: GroupState, now: number): void {
    if (!PREVIOUS[state].includes(this.state)) {
      throw new Error(`group ${this.id}: ${this.state} cannot become ${state}`);
    }
    this.previousState = this.state;
    this.state = state;
    this.stateSince = now;
  }

  canRebalance(): boolean {
    return REBALANCEABLE.includes(this.state);
  }

  isLeader(memberId: string): boolean {
    return this.leader === memberId;
  }

  /** The first member gives the group its protocol type; the others are known to have the same. */
  add(member: Member, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType;
    this.members.set(member.id, member);
    if (member.instance !== null) this.statics.set(member.instance, member.id);
    this.leader ??= member.id;
    this.countOffers(member, 1);
    if (member.awaitingJoin) this.awaitingJoins++;
  }

  /** Takes the member out; its timers and waiting requests are the caller's. */
  remove(member: Member): void {
    if (!this.members.delete(member.id)) return;
    if (member.instance !== null) this.statics.delete(member.instance);
    this.countOffers(member, -1);
    if (member.awaitingJoin) this.awaitingJoins--;
    this.pendingSyncs.delete(member.id);
    if (this.leader === member.id) this.leader = this.members.keys().next().value ?? null;
  }

  /** Puts `member`, a copy of `old` under another id, in its place: among the members, too, and as leader if it led. */
  replace(old: Member, member: Member): void {
    const others = [...this.members.values()];
    this.members.clear();
    for (const other of others) {
      const now = other === old ? member : other;
      this.members.set(now.id, now);
    }
    if (member.instance !== null) this.statics.set(member.instance, member.id);
    if (this.leader === old.id) this.leader = member.id;
    if (this.pendingSyncs.delete(old.id)) this.pendingSyncs.add(member.id);
  }

  /** Sets what a repeated JoinGroup may change. */
  update(
    member: Member,
    offer: { protocols: readonly JoinProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number },
  ): void {
    this.countOffers(member, -1);
    member.protocols = offer.protocols;
    this.countOffers(member, 1);
    member.rebalanceTimeoutMs = offer.rebalanceTimeoutMs;
    member.sessionTimeoutMs = offer.sessionTimeoutMs;
  }

  setAwaitingJoin(member: Member, request: RequestContext | null): void {
    if (member.awaitingJoin) this.awaitingJoins--;
    member.awaitingJoin = request;
    if (request) this.awaitingJoins++;
  }

  /** Members whose JoinGroup waits for the rebalance. */
  get awaitingJoinCount(): number {
    return this.awaitingJoins;
  }

  allJoined(): boolean {
    return this.members.size === this.awaitingJoins && this.pendingJoins.size === 0;
  }

  /** The longest rebalance timeout of the members, 0 without any. */
  rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  /** Whether a member of this type with these protocols leaves the group at least one that all members offer. */
  supports(protocolType: string, protocols: readonly JoinProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    return protocolType === this.protocolType && protocols.some(({ name }) => this.offeredByAll(name));
  }

  /** Of the protocols that all members offer, the one that most prefer; among equals, the first voted for. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.protocols.find(({ name }) => this.offeredByAll(name));
      if (!choice) throw new Error(`group ${this.id}: member ${member.id} shares no protocol with the others`);
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let winner: [string, number] | null = null;
    for (const entry of votes) if (winner === null || entry[1] > winner[1]) winner = entry;
    if (winner === null) throw new Error(`group ${this.id} selects no protocol while it is empty`);
    return winner[0];
  }

  /** Null when the member may act: known, and not superseded by another process with its instance id. */
  memberError(memberId: string, instance: string | null): MemberError | null {
    if (instance !== null) {
      const current = this.statics.get(instance);
      if (current === undefined) return 'UNKNOWN_MEMBER_ID';
      if (current !== memberId) return 'FENCED_INSTANCE_ID';
    }
    return this.members.has(memberId) ? null : 'UNKNOWN_MEMBER_ID';
  }

  private offeredByAll(protocol: string): boolean {
    return (this.offers.get(protocol) ?? 0) === this.members.size;
  }

  private countOffers(member: Member, by: 1 | -1): void {
    for (const { name } of member.protocols) {
      const count = (this.offers.get(name) ?? 0) + by;
      if (count === 0) this.offers.delete(name);
      else this.offers.set(name, count);
    }
  }
}

export function metadataFor(member: Member, protocol: string | null): Uint8Array {
  return member.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_ASSIGNMENT;
}

export function sameProtocols(left: readonly JoinProtocol[], right: readonly JoinProtocol[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, metadata }, i) => name === right[i]!.name && sameBytes(metadata, right[i]!.metadata))
  );
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
