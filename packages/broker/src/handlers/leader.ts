import type { TopicRecord } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { BrokerServices, LocalPartition } from '../services';
import { advertisedEndpoint } from './advertised';
import type { Connection } from './handler';
import { partitionRecord, requirePartition } from './topic-lookup';

/** How long a request waits for a leadership that this broker has been given and not taken up yet. */
const TAKE_UP_MS = 2_000;

/** The replica of a partition that this broker leads; throws UNKNOWN_TOPIC_OR_PARTITION or NOT_LEADER_OR_FOLLOWER. */
export function requireLeader(services: BrokerServices, topic: TopicRecord, partition: number): LocalPartition {
  requirePartition(topic, partition);
  const local = services.partitions.get(topic.topicId, partition);
  if (local?.isLeader) return local;
  throw notLeader(services, topic, partition);
}

/**
 * As `requireLeader`, but where the image names this broker as leader it waits until the replica has followed: a client
 * that was sent here a moment too early need not look for a leader anew. Requests that wait go on in their order.
 */
export function leaderOf(
  services: BrokerServices,
  topic: TopicRecord,
  partition: number,
): LocalPartition | Promise<LocalPartition> {
  requirePartition(topic, partition);
  const local = services.partitions.get(topic.topicId, partition);
  if (local?.isLeader) return local;
  if (!isNamed(services, topic, partition)) throw notLeader(services, topic, partition);
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const found = services.partitions.get(topic.topicId, partition);
      if (found?.isLeader) settle(() => resolve(found));
      else if (!isNamed(services, topic, partition)) settle(() => reject(notLeader(services, topic, partition)));
    };
    const stops = [services.partitions.onRoleChange(look), services.onImageChange(look)];
    const timer = services.clock.after(TAKE_UP_MS, () => settle(() => reject(notLeader(services, topic, partition))));
    const settle = (outcome: () => void): void => {
      for (const stop of stops) stop();
      timer.cancel();
      outcome();
    };
  });
}

/** Whether the image gives the leadership to this run of this broker. */
function isNamed({ image, self }: BrokerServices, topic: TopicRecord, partition: number): boolean {
  const leader = partitionRecord(image(), topic.topicId, partition)?.leader;
  return leader?.broker === self.broker && leader.run === self.run;
}

function notLeader(services: BrokerServices, topic: TopicRecord, partition: number): OttlaError {
  const { broker } = services.self;
  const leader = partitionRecord(services.image(), topic.topicId, partition)?.leader?.broker;
  const elsewhere = leader === undefined ? 'it has no leader now' : `broker ${leader} does`;
  const way = leader === broker ? 'it is about to: try again' : `${elsewhere}; refresh the metadata`;
  const message = `broker ${broker} does not lead ${topic.name}-${partition}: ${way}`;
  return new OttlaError('NOT_LEADER_OR_FOLLOWER', message);
}

/** Checks the leader epoch that a client knows; -1 for none. Throws FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH (KIP-320). */
export function requireEpoch(partition: LocalPartition, known: number): void {
  if (known < 0 || known === partition.leaderEpoch) return;
  const where = `${partition.topic}-${partition.partition} is in leader epoch ${partition.leaderEpoch}`;
  if (known < partition.leaderEpoch) {
    throw new OttlaError('FENCED_LEADER_EPOCH', `${where}, the request is of ${known}: refresh the metadata`);
  }
  throw new OttlaError('UNKNOWN_LEADER_EPOCH', `${where} and has not heard of ${known} yet: try again`);
}

/** Where a client finds another broker (KIP-951). */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Collects the leaders that refused partitions are told of, and their addresses, each once. */
export class CurrentLeaders {
  private readonly byBroker = new Map<number, NodeEndpoint>();

  constructor(
    private readonly services: BrokerServices,
    private readonly connection: Connection,
  ) {}

  /** The leader of a partition as this broker knows it; -1 where it knows none. */
  of(topicId: string, partition: number): { leaderId: number; leaderEpoch: number } {
    const image = this.services.image();
    const record = partitionRecord(image, topicId, partition);
    if (record?.leader == null) return { leaderId: -1, leaderEpoch: record?.leaderEpoch ?? -1 };
    const { broker } = record.leader;
    const registration = image.brokers.get(broker)?.value;
    const address = registration && advertisedEndpoint(registration, image, this.services, this.connection);
    if (address) this.byBroker.set(broker, { nodeId: broker, ...address, rack: registration.rack });
    return { leaderId: broker, leaderEpoch: record.leaderEpoch };
  }

  get endpoints(): NodeEndpoint[] {
    return [...this.byBroker.values()];
  }
}
