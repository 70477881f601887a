import { consumerProtocolAssignment, consumerProtocolSubscription } from '@ottla/groups';
import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import type { ActorContext } from '../actor';
import type { WireClient } from '../wire/wire-client';
import type { CoordinatorLink } from './coordinator-link';

export interface MembershipOptions {
  readonly group: string;
  /** Of a static member (KIP-345). */
  readonly instance: string | null;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** A place in one generation of the group. */
export interface Generation {
  readonly generation: number;
  readonly member: string;
  readonly assigned: ReadonlyMap<string, readonly number[]>;
  /** This member assigns the others theirs. */
  readonly leads: boolean;
}

/** From 9 on a static member that comes back is told that it leads (KIP-814). */
const JOIN_VERSION = 9;
const SYNC_VERSION = 5;
const HEARTBEAT_VERSION = 4;
const LEAVE_VERSION = 4;
const TIMEOUT_MS = 700;
const PROTOCOL = 'range';

type Joined = Awaited<ReturnType<Membership['join']>>;

/** Joins a group again and again: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. */
export class Membership {
  private member = '';
  /** Partitions that this member has handed out as leader; null when an earlier life of it did. */
  private handedOut: number | null = null;

  constructor(
    private readonly context: ActorContext,
    private readonly client: WireClient,
    private readonly link: CoordinatorLink,
    private readonly options: MembershipOptions,
  ) {}

  /** Resolves when the group has a generation with this member. Rejects with an OttlaError; then try again. */
  async enter(): Promise<Generation> {
    const joined = await this.join();
    const leads = joined.leader === joined.memberId;
    if (joined.skipAssignment) this.handedOut = null;
    const assignments = leads && !joined.skipAssignment ? this.assign(joined) : [];
    const { group: groupId, instance: groupInstanceId } = this.options;
    const { generationId, memberId } = joined;
    const protocol = { protocolType: 'consumer', protocolName: PROTOCOL };
    const sent = this.context.recorder.mark;
    const answer = await this.link.ask(
      apis.SyncGroup,
      SYNC_VERSION,
      { groupId, generationId, memberId, groupInstanceId, ...protocol, assignments },
      this.options.rebalanceTimeoutMs + TIMEOUT_MS,
    );
    this.require(answer.errorCode);
    const seen = { client: this.context.name, sent, group: groupId, member: memberId, generation: generationId };
    this.context.recorder.record({ type: 'generation-synced', ...seen });
    return { generation: generationId, member: memberId, leads, assigned: assignedIn(answer.assignment) };
  }

  async heartbeat({ generation, member }: Generation): Promise<void> {
    const { group: groupId, instance: groupInstanceId } = this.options;
    const body = { groupId, generationId: generation, memberId: member, groupInstanceId };
    this.require((await this.link.ask(apis.Heartbeat, HEARTBEAT_VERSION, body, TIMEOUT_MS)).errorCode);
  }

  async leave(): Promise<void> {
    const { group: groupId, instance: groupInstanceId } = this.options;
    if (this.member === '') return;
    const members = [{ memberId: this.member, groupInstanceId }];
    this.member = '';
    await this.link.ask(apis.LeaveGroup, LEAVE_VERSION, { groupId, memberId: '', members }, TIMEOUT_MS);
  }

  /** Throws what an answer's error says, having drawn the consequences for the membership. */
  require(code: number): void {
    if (code === ErrorCode.NONE) return;
    const error = errorName(code);
    this.link.note(error);
    const { instance } = this.options;
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'ILLEGAL_GENERATION' || error === 'FENCED_INSTANCE_ID') {
      this.member = '';
    }
    throw new OttlaError(error, `group ${this.options.group}, member ${this.member} ${instance ?? ''}`);
  }

  /** Throws REBALANCE_IN_PROGRESS when the topics have other partitions than were handed out: the leader has to join anew. */
  requireSameTopics(): void {
    const { topics, group } = this.options;
    const partitions = topics.reduce((sum, topic) => sum + (this.client.topic(topic)?.partitions.length ?? 0), 0);
    if (partitions !== this.handedOut)
      throw new OttlaError('REBALANCE_IN_PROGRESS', `the topics of ${group} have grown`);
  }

  private async join() {
    const { group: groupId, instance: groupInstanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.options;
    const metadata = consumerProtocolSubscription.write(0, {
      topics: [...topics],
      userData: null,
      ownedPartitions: [],
    });
    const protocols = [{ name: PROTOCOL, metadata }];
    const fixed = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      groupInstanceId,
      protocolType: 'consumer',
      protocols,
    };
    const sent = this.context.recorder.mark;
    const body = { ...fixed, memberId: this.member };
    const answer = await this.link.ask(apis.JoinGroup, JOIN_VERSION, body, rebalanceTimeoutMs + TIMEOUT_MS);
    const broker = this.link.asked;
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.member = answer.memberId;
    this.require(answer.errorCode);
    this.member = answer.memberId;
    const seen = { group: groupId, member: answer.memberId, generation: answer.generationId, broker };
    this.context.recorder.record({ type: 'group-joined', client: this.context.name, sent, ...seen });
    return answer;
  }

  /** Every partition goes to the members in turn. */
  private assign({ members }: Joined): { memberId: string; assignment: Uint8Array }[] {
    const ids = members.map(({ memberId }) => memberId).sort();
    const shares = ids.map(() => new Map<string, number[]>());
    let turn = 0;
    for (const topic of this.options.topics) {
      const count = this.client.topic(topic)?.partitions.length ?? 0;
      for (let partition = 0; partition < count; partition++) {
        const share = shares[turn++ % ids.length]!;
        share.set(topic, [...(share.get(topic) ?? []), partition]);
      }
    }
    this.handedOut = turn;
    return ids.map((memberId, index) => {
      const assignedPartitions = [...shares[index]!].map(([topic, partitions]) => ({ topic, partitions }));
      return { memberId, assignment: consumerProtocolAssignment.write(0, { assignedPartitions, userData: null }) };
    });
  }
}

function assignedIn(assignment: Uint8Array): Map<string, readonly number[]> {
  if (assignment.length === 0) return new Map();
  const { assignedPartitions } = consumerProtocolAssignment.read(assignment).message;
  return new Map(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]));
}
