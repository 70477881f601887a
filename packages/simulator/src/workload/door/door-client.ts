import { OttlaError, toOttlaError } from '@ottla/protocol';
import type { door } from '@ottla/rpc';
import type { DoorLink } from '../../run/workload-world';
import type { ActorContext } from '../actor';

const TIMEOUT_MS = 800;
const REFRESH_PAUSE_MS = 30;

interface KnownTopic {
  readonly topicId: string;
  readonly partitions: ReadonlyMap<number, { leader: number; leaderEpoch: number }>;
}

/** What a client of the gRPC door knows, and whom it asks. */
export class DoorClient {
  private readonly topics = new Map<string, KnownTopic>();
  private refreshing: Promise<void> | null = null;

  constructor(private readonly context: ActorContext) {}

  topicId(topic: string): string | null {
    return this.topics.get(topic)?.topicId ?? null;
  }

  leader(topic: string, partition: number): { leader: number; leaderEpoch: number } | null {
    const known = this.topics.get(topic)?.partitions.get(partition);
    return known === undefined || known.leader < 0 ? null : known;
  }

  refresh(topic: string): Promise<void> {
    this.refreshing ??= this.fetchMetadata(topic).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  link(broker: number): DoorLink {
    return this.context.door(broker);
  }

  /** Asks brokers in random order until one answers. */
  async askAny<T>(ask: (link: DoorLink) => Promise<T>): Promise<T> {
    const { brokers, random } = this.context;
    const first = random.below(brokers.length);
    let failure = new OttlaError('BROKER_NOT_AVAILABLE', 'there are no brokers');
    for (let n = 0; n < brokers.length; n++) {
      try {
        return await ask(this.link(brokers[(first + n) % brokers.length]!));
      } catch (error) {
        failure = toOttlaError(error);
      }
    }
    throw failure;
  }

  private async fetchMetadata(topic: string): Promise<void> {
    await this.context.clock.sleep(REFRESH_PAUSE_MS);
    const request: door.MetadataRequest = { topics: [topic], allTopics: false, allowAutoTopicCreation: false };
    try {
      this.take(await this.askAny((link) => link.call('metadata', request, TIMEOUT_MS)));
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
    }
  }

  private take(answer: door.MetadataResponse): void {
    for (const { name, topicId, errorCode, partitions } of answer.topics) {
      if (errorCode !== 0) continue;
      const views = new Map(
        partitions.map(({ partition, leader, leaderEpoch }) => [partition, { leader, leaderEpoch }]),
      );
      this.topics.set(name, { topicId, partitions: views });
    }
  }
}
