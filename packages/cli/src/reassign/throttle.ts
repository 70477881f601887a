import type { Admin, TopicInfo } from '@ottla/client';
import type { AssignedPartition } from '@ottla/controller';

const LEADERS = 'leader.replication.throttled.replicas';
const FOLLOWERS = 'follower.replication.throttled.replicas';
const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'];

/**
 * Before a reassignment: the brokers that hold the partitions send, and those that get them take in, at most so many bytes
 * a second for it. Replicas in sync are not held back.
 */
export async function throttle(
  admin: Admin,
  topics: readonly TopicInfo[],
  asked: readonly AssignedPartition[],
  bytesPerSecond: number,
): Promise<void> {
  const brokers = new Set<number>();
  for (const topic of topics) {
    const leaders = listed(topic, LEADERS);
    const followers = listed(topic, FOLLOWERS);
    for (const { partition, replicas } of asked.filter((one) => one.topic === topic.name)) {
      const held = topic.partitions[partition]?.replicas ?? [];
      for (const broker of held) leaders.add(`${partition}:${broker}`);
      for (const broker of replicas) if (!held.includes(broker)) followers.add(`${partition}:${broker}`);
      for (const broker of [...held, ...replicas]) brokers.add(broker);
    }
    const changes = [
      { operation: 'set' as const, name: LEADERS, value: [...leaders].join(',') },
      { operation: 'set' as const, name: FOLLOWERS, value: [...followers].join(',') },
    ];
    await admin.alterConfigs({ topic: topic.name }, changes);
  }
  const rates = RATES.map((name) => ({ operation: 'set' as const, name, value: String(bytesPerSecond) }));
  for (const broker of brokers) await admin.alterConfigs({ broker }, rates);
}

/** Ends every throttle: of topics, and of the brokers that are there. Answers the topics that had one. */
export async function unthrottle(admin: Admin): Promise<string[]> {
  const throttled = (await admin.listTopics({ internal: true })).filter(isThrottled);
  const replicas = [LEADERS, FOLLOWERS].map((name) => ({ operation: 'delete' as const, name }));
  for (const { name } of throttled) await admin.alterConfigs({ topic: name }, replicas);
  const rates = RATES.map((name) => ({ operation: 'delete' as const, name }));
  for (const { id } of (await admin.describeCluster()).brokers) await admin.alterConfigs({ broker: id }, rates);
  return throttled.map(({ name }) => name);
}

export function isThrottled({ configs }: Pick<TopicInfo, 'configs'>): boolean {
  return configs[LEADERS] !== undefined || configs[FOLLOWERS] !== undefined;
}

function listed({ configs }: TopicInfo, name: string): Set<string> {
  return new Set((configs[name] ?? '').split(',').filter(Boolean));
}
