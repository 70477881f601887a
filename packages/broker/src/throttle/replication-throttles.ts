import type { ClusterImage } from '@ottla/metadata';
import type { FollowerMessage } from '@ottla/replication';
import type { Clock } from '@ottla/runtime';
import { LONG_MAX } from '../config/kinds';
import type { BrokerConfig } from '../config/schema';
import { type TopicConfig, topicConfig } from '../config/topic-settings';
import { type Admission, ByteThrottle } from './byte-throttle';

export interface ReplicationThrottlesOptions {
  readonly broker: number;
  readonly clock: Clock;
  config(): BrokerConfig;
  image(): ClusterImage;
}

/** At most so much is pushed at once to a throttled follower, so that one wait is short and the others get their turn. */
export const THROTTLED_PUSH_BYTES = 256 * 1024;

type Replicas = 'leader.replication.throttled.replicas' | 'follower.replication.throttled.replicas';
type Rate = 'leader.replication.throttled.rate' | 'follower.replication.throttled.rate';

/**
 * Kafka's throttle of replication: what goes to, and what comes in for, replicas that a topic's config names, within a rate
 * for each broker. Only replicas outside the ISR are held back: nobody waits for those. The rates are those of catching up;
 * what replicas in sync take is beside them.
 */
export class ReplicationThrottles {
  private readonly leaving: ByteThrottle;
  private readonly arriving: ByteThrottle;

  constructor(private readonly options: ReplicationThrottlesOptions) {
    const { clock } = options;
    this.leaving = new ByteThrottle(clock, () => this.rate('leader.replication.throttled.rate'));
    this.arriving = new ByteThrottle(clock, () => this.rate('follower.replication.throttled.rate'));
  }

  /** A push that this broker, the leader, is about to make. Null when it may go as it is. */
  push(topicId: string, partition: number, follower: number): Admission | null {
    const isThrottled =
      this.isLimited('leader.replication.throttled.rate') &&
      this.names(topicId, partition, 'leader.replication.throttled.replicas') &&
      !this.isInSync(topicId, partition, follower);
    return isThrottled ? this.leaving.admit() : null;
  }

  /** What a follower here tells its leader. A report asks for more, by the bytes that were written: it may have to wait. */
  toLeader(topicId: string, partition: number, message: FollowerMessage, send: () => void): void {
    if (message.type !== 'report' || !this.holdsBack(topicId, partition, message.grantedBytes)) return send();
    void this.arriving.admit().passage.then((passage) => {
      passage?.done(message.grantedBytes);
      if (passage !== null) send();
    });
  }

  close(): void {
    this.leaving.close();
    this.arriving.close();
  }

  private holdsBack(topicId: string, partition: number, bytes: number): boolean {
    return (
      bytes > 0 &&
      this.isLimited('follower.replication.throttled.rate') &&
      this.names(topicId, partition, 'follower.replication.throttled.replicas') &&
      !this.isInSync(topicId, partition, this.options.broker)
    );
  }

  private rate(name: Rate): number {
    return this.options.config()[name];
  }

  private isLimited(name: Rate): boolean {
    return this.rate(name) < LONG_MAX;
  }

  /** Whether the topic's config names the partition's replica on this broker, or all. */
  private names(topicId: string, partition: number, name: Replicas): boolean {
    const replicas = this.topic(topicId)?.[name] ?? [];
    return replicas[0] === '*' || replicas.includes(`${partition}:${this.options.broker}`);
  }

  private topic(topicId: string): TopicConfig | null {
    const image = this.options.image();
    const topic = image.topics.get(image.topicNames.get(topicId) ?? '')?.value;
    return topic === undefined ? null : topicConfig(this.options.config(), topic.configs);
  }

  private isInSync(topicId: string, partition: number, broker: number): boolean {
    const record = this.options.image().partitions.get(topicId)?.get(partition)?.value;
    return record?.isr.some((member) => member.broker === broker) ?? false;
  }
}
