import type { TopicRecord } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { ReplicaProgress } from '@ottla/replication';
import type { BrokerServices, LocalPartition } from '../../services';
import { advertisedEndpoint } from '../advertised';
import type { Connection } from '../handler';
import { requireLeader } from '../leader';
import { partitionRecord, requirePartition } from '../topic-lookup';

const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

/**
 * Which replica a consumer reads from (KIP-392): the leader, or where brokers select by rack and the consumer names one,
 * a follower in sync in that rack. Only the leader sends a consumer elsewhere; a follower that can't vouch for being up to
 * date refuses, by which the consumer comes back to the leader.
 */
export class ReplicaSelection {
  private readonly byRack: boolean;

  constructor(
    private readonly rack: string,
    private readonly connection: Connection,
    private readonly services: BrokerServices,
  ) {
    this.byRack = rack !== '' && services.config['replica.selector.class'] === RACK_AWARE;
  }

  /** The replica here; throws UNKNOWN_TOPIC_OR_PARTITION or NOT_LEADER_OR_FOLLOWER. */
  requireReadable(topic: TopicRecord, partition: number): LocalPartition {
    requirePartition(topic, partition);
    const local = this.services.partitions.get(topic.topicId, partition);
    return local !== null && this.isReadable(local) ? local : requireLeader(this.services, topic, partition);
  }

  isReadable(local: LocalPartition): boolean {
    return local.isLeader || (this.byRack && local.isFollowing && this.isInSync(local));
  }

  /** Throws OFFSET_NOT_AVAILABLE where a follower's log doesn't reach: it can't tell whether the leader's does. */
  requireReached(local: LocalPartition, offset: number): void {
    if (local.isLeader || offset <= local.logEnd) return;
    throw new OttlaError(
      'OFFSET_NOT_AVAILABLE',
      `${local.topic}-${local.partition}: this follower ends at ${local.logEnd}, offset ${offset} was asked for: ask the leader`,
    );
  }

  /** The broker that this leader sends the consumer to; null when it shall read here. */
  preferred(local: LocalPartition, offset: number): number | null {
    const { self, image } = this.services;
    if (!this.byRack || !local.isLeader || offset < local.logStart || offset > local.logEnd) return null;
    if (image().brokers.get(self.broker)?.value.rack === this.rack) return null;
    const candidates = local.progress().filter((replica) => this.isCandidate(replica, offset));
    return candidates.sort(byFreshness)[0]?.broker ?? null;
  }

  private isInSync({ topicId, partition }: LocalPartition): boolean {
    const record = partitionRecord(this.services.image(), topicId, partition);
    return record?.isr.some(({ broker }) => broker === this.services.self.broker) ?? false;
  }

  private isCandidate({ broker, inIsr, logStart, logEnd }: ReplicaProgress, offset: number): boolean {
    if (broker === this.services.self.broker || !inIsr || logEnd < offset || logStart > offset) return false;
    const image = this.services.image();
    const registration = image.brokers.get(broker)?.value;
    if (registration?.state !== 'active' || registration.rack !== this.rack) return false;
    return advertisedEndpoint(registration, image, this.services, this.connection) !== null;
  }
}

function byFreshness(a: ReplicaProgress, b: ReplicaProgress): number {
  return b.logEnd - a.logEnd || b.caughtUpAt - a.caughtUpAt || a.broker - b.broker;
}
