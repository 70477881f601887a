import { apis, OttlaError } from '@ottla/protocol';
import { type Actor, type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { listOffset } from './list-offset';

export interface OffsetProberSettings {
  /** Topics that are never deleted. */
  readonly topics: readonly string[];
  readonly intervalMs: number;
  readonly sticky: boolean;
}

const FETCH_VERSION = 12;
const FETCH_WAIT_MS = 150;
const EPOCHS_APART = 2;

/** Asks leaders where their logs begin and end, above all just after they were elected, and pesters them with wrong epochs. */
export class OffsetProber implements Actor {
  readonly name: string;
  private readonly client: WireClient;
  private readonly seenEpochs = new Map<string, number>();
  private stopped = false;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: OffsetProberSettings,
  ) {
    this.name = context.name;
    this.client = wireClient(context, { requestTimeoutMs: 500, sticky: settings.sticky });
  }

  start(): void {
    void this.run();
  }

  quiesce(): void {
    this.stopped = true;
  }

  unfinished(): string | null {
    return null;
  }

  private async run(): Promise<void> {
    const { clock, random } = this.context;
    const { topics, intervalMs } = this.settings;
    while (!this.stopped) {
      await clock.sleep(intervalMs / 2 + random.below(intervalMs));
      if (random.below(3) === 0) await this.client.refresh(...topics);
      const asked = this.newlyLed() ?? this.anyPartition();
      if (asked !== null) await this.probe(asked).catch(ignoreRefusals);
    }
    this.client.close();
  }

  /** A partition whose leader is new since the last time. */
  private newlyLed(): { topic: string; partition: number } | null {
    for (const topic of this.settings.topics) {
      for (const [partition, { leader, leaderEpoch }] of (this.client.topic(topic)?.partitions ?? []).entries()) {
        const key = `${topic}-${partition}`;
        if (leader < 0 || this.seenEpochs.get(key) === leaderEpoch) continue;
        this.seenEpochs.set(key, leaderEpoch);
        return { topic, partition };
      }
    }
    return null;
  }

  private anyPartition(): { topic: string; partition: number } | null {
    const { random } = this.context;
    const topic = this.settings.topics[random.below(this.settings.topics.length)]!;
    const count = this.client.topic(topic)?.partitions.length ?? 0;
    return count === 0 ? null : { topic, partition: random.below(count) };
  }

  private async probe({ topic, partition }: { topic: string; partition: number }): Promise<void> {
    const { random } = this.context;
    const view = this.client.topic(topic);
    const leader = this.client.leader(topic, partition);
    if (view === null || leader === null) return;
    const to = { topic, topicId: view.topicId, partition };
    const kind = random.below(10);
    if (kind < 7) return void (await listOffset(this.context, this.client, to, leader, 'latest'));
    if (kind < 8) return void (await listOffset(this.context, this.client, to, leader, 'earliest'));
    const wrong = leader.leaderEpoch - EPOCHS_APART + random.below(2 * EPOCHS_APART + 1);
    if (kind < 9) return this.askEpochEnd(topic, partition, leader.leader, wrong);
    return this.fetchWithEpoch(topic, partition, leader.leader, wrong);
  }

  private async askEpochEnd(topic: string, partition: number, broker: number, epoch: number): Promise<void> {
    const partitions = [{ partition, currentLeaderEpoch: -1, leaderEpoch: Math.max(epoch, 0) }];
    await this.client.ask(broker, apis.OffsetForLeaderEpoch, 4, { replicaId: -1, topics: [{ topic, partitions }] });
  }

  /** A long poll at a far offset in what may be a wrong epoch: it has to end by itself. */
  private async fetchWithEpoch(topic: string, partition: number, broker: number, epoch: number): Promise<void> {
    const fetchOffset = this.context.random.below(200);
    const asked = { partition, currentLeaderEpoch: Math.max(epoch, -1), fetchOffset, partitionMaxBytes: 512 };
    const body = {
      ...{ maxWaitMs: FETCH_WAIT_MS, minBytes: 1, maxBytes: 512, isolationLevel: 0 },
      ...{ topics: [{ topic, partitions: [asked] }], forgottenTopicsData: [] },
    };
    await this.client.ask(broker, apis.Fetch, FETCH_VERSION, body);
  }
}

function ignoreRefusals(error: unknown): void {
  if (!(error instanceof OttlaError)) throw error;
}
