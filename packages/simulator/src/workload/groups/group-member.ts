import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import { type Actor, type ActorContext, wireClient } from '../actor';
import { PartitionReader } from '../readers/partition-reader';
import type { WireClient } from '../wire/wire-client';
import { committedOffsets } from './committed-offsets';
import { CoordinatorLink } from './coordinator-link';
import type { GroupProgress } from './group-progress';
import { type Generation, Membership } from './membership';

export interface GroupMemberSettings {
  readonly group: string;
  readonly instance: string | null;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly commitMs: number;
  /** From when to when the member is there, and whether it says goodbye. The last life may have no end. */
  readonly lives: readonly { readonly fromMs: number; readonly toMs: number; readonly leaves: boolean }[];
}

const RETRY_MS = 120;
/** How often a group's leader looks whether its topics have grown. */
const LOOK_MS = 1_000;
const COMMIT_VERSION = 8;
const COMMIT_TIMEOUT_MS = 900;
const READ = { maxWaitMs: 300, maxBytes: 16_384, validation: 'none', byId: false } as const;
/** On these the coordinator has done nothing, and never will. */
const REFUSED = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'REBALANCE_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** A consumer of a group: reads what it's assigned and commits how far it has come. */
export class GroupMember implements Actor {
  readonly name: string;
  private life: Life | null = null;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: GroupMemberSettings,
    private readonly progress: GroupProgress,
  ) {
    this.name = context.name;
  }

  start(): void {
    const { clock } = this.context;
    for (const { fromMs, toMs, leaves } of this.settings.lives) {
      clock.after(fromMs, () => {
        const life = new Life(this.context, this.settings, this.progress);
        this.life = life;
        life.begin();
        if (Number.isFinite(toMs)) clock.after(toMs - fromMs, () => life.end(leaves));
      });
    }
  }

  quiesce(): void {}

  /** Whether the group has come to the end is looked at for the group as a whole. */
  unfinished(): string | null {
    return null;
  }

  /** What the member is doing, for messages. */
  describe(): string {
    return `${this.name}: ${this.life?.state ?? 'not begun'}`;
  }
}

/** One life of a member: a process, as far as the group can see. */
class Life {
  state = 'joining';
  private readonly client: WireClient;
  /** Fetches have connections of their own, so that nothing waits behind a long poll. */
  private readonly fetching: WireClient;
  private readonly link: CoordinatorLink;
  private readonly membership: Membership;
  private readonly readers = new Map<string, PartitionReader>();
  private readonly committed = new Map<string, number>();
  private over = false;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: GroupMemberSettings,
    private readonly progress: GroupProgress,
  ) {
    const { group, instance, topics, sessionTimeoutMs } = settings;
    this.client = wireClient(context, { requestTimeoutMs: COMMIT_TIMEOUT_MS, sticky: false });
    this.fetching = wireClient(context, { requestTimeoutMs: COMMIT_TIMEOUT_MS, sticky: false });
    this.link = new CoordinatorLink(this.client, group);
    const options = { group, instance, topics, sessionTimeoutMs, rebalanceTimeoutMs: 1_200 };
    this.membership = new Membership(context, this.client, this.link, options);
  }

  begin(): void {
    void this.run();
  }

  end(leaves: boolean): void {
    this.over = true;
    this.state = 'gone';
    this.stopReading();
    this.fetching.close();
    if (!leaves) return this.client.close();
    this.membership.leave().then(
      () => this.client.close(),
      () => this.client.close(),
    );
  }

  private async run(): Promise<void> {
    await this.client.refresh(...this.settings.topics);
    await this.fetching.refresh(...this.settings.topics);
    while (!this.over) {
      try {
        this.state = 'joining';
        const generation = await this.membership.enter();
        if (this.over) return;
        await this.startReading(generation);
        this.state = `in generation ${generation.generation}`;
        await this.serve(generation);
      } catch (error) {
        if (!(error instanceof OttlaError)) throw error;
        this.stopReading();
        if (this.over) return;
        if (error.code !== 'MEMBER_ID_REQUIRED') await this.context.clock.sleep(RETRY_MS);
        await this.refreshIfNeeded();
      }
    }
  }

  private async refreshIfNeeded(): Promise<void> {
    const { topics } = this.settings;
    if (topics.some((topic) => this.client.topic(topic) === null)) await this.client.refresh(...topics);
  }

  /** Heartbeats and commits until something says that the generation is over. */
  private async serve(generation: Generation): Promise<void> {
    const { clock } = this.context;
    const { heartbeatMs, commitMs } = this.settings;
    let commitAt = clock.now() + commitMs;
    let lookAt = clock.now() + LOOK_MS;
    while (!this.over) {
      await clock.sleep(heartbeatMs);
      if (this.over) return;
      if (clock.now() >= commitAt) {
        await this.commit(generation);
        commitAt = clock.now() + commitMs;
      }
      if (!this.over) await this.membership.heartbeat(generation);
      if (!this.over && generation.leads && clock.now() >= lookAt) {
        lookAt = clock.now() + LOOK_MS;
        await this.client.refresh(...this.settings.topics);
        this.membership.requireSameTopics();
      }
    }
  }

  private async startReading({ assigned }: Generation): Promise<void> {
    this.stopReading();
    if (assigned.size === 0) return;
    const found = await committedOffsets(this.context, this.link, this.settings.group, assigned);
    if (this.over) return;
    const sharing = found.length;
    for (const { topic, partition, offset } of found) {
      const from = offset < 0 ? null : offset;
      const reader = new PartitionReader(this.context, this.fetching, { topic, partition, from, sharing, ...READ });
      this.readers.set(`${topic}|${partition}`, reader);
      this.committed.set(`${topic}|${partition}`, offset);
      reader.start();
    }
  }

  private stopReading(): void {
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
    this.committed.clear();
  }

  private async commit(generation: Generation): Promise<void> {
    for (const [key, reader] of this.readers) {
      const { position } = reader;
      if (position === null || this.committed.get(key) === position) continue;
      const [topic, partition] = key.split('|') as [string, string];
      await this.commitOne(generation, topic, Number(partition), position);
      this.committed.set(key, position);
      if (this.over) return;
    }
  }

  private async commitOne(generation: Generation, topic: string, partition: number, offset: number): Promise<void> {
    const { recorder, name: client } = this.context;
    const { group, instance } = this.settings;
    const commit = `c${this.context.nextId()}`;
    recorder.record({
      type: 'commit-sent',
      client,
      group,
      topic,
      partition,
      offset,
      commit,
      ...generationOf(generation),
    });
    const sent = recorder.mark;
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: commit }];
    const who = { groupId: group, memberId: generation.member, groupInstanceId: instance };
    const body = { ...who, generationIdOrMemberEpoch: generation.generation, topics: [{ name: topic, partitions }] };
    const answer = await this.link.ask(apis.OffsetCommit, COMMIT_VERSION, body, COMMIT_TIMEOUT_MS);
    const broker = this.link.asked;
    const code = answer.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    const error = errorName(code);
    if (REFUSED.has(error)) recorder.record({ type: 'commit-refused', client, sent, group, commit, error });
    this.membership.require(code);
    recorder.record({ type: 'commit-acked', client, sent, broker, group, commit });
    this.progress.note(topic, partition, offset);
  }
}

function generationOf({ generation }: Generation): { generation: number } {
  return { generation };
}
