import type { ClusterImage } from '@ottla/metadata';
import type { World } from './world';

/** What keeps the cluster from having converged: null when every broker serves, every partition is led, and every ISR is full. */
export function missingIn(world: World): string | null {
  for (const { id, name } of world.brokers.values()) {
    const services = world.live(id);
    if (services === null) return `${name} doesn't serve`;
    const missing = missingInImage(services.image(), world);
    if (missing !== null) return `as ${name} sees it, ${missing}`;
  }
  return missingOnLeaders(world);
}

function missingInImage(image: ClusterImage, world: World): string | null {
  const { revision } = world.store.contents();
  if (image.revision < revision) return `the store is at revision ${image.revision}, not ${revision}`;
  if (image.controller === null) return 'there is no controller';
  if (image.brokers.size < world.plan.brokers.length) return 'not all brokers are registered';
  for (const topic of image.topics.values()) {
    for (const [partition, { value }] of image.partitions.get(topic.value.topicId) ?? []) {
      const name = `${topic.value.name}-${partition}`;
      if (value.leader === null) return `${name} has no leader`;
      if (isBalanced(world) && value.leader.broker !== value.replicas[0])
        return `${name} isn't led by the preferred leader`;
      if (value.isr.length < value.replicas.length) return `the ISR of ${name} is ${value.isr.map((id) => id.broker)}`;
    }
  }
  return image.deletions.size > 0 ? 'a deletion is not finished' : null;
}

/** Whether preferred leaders are to lead again soon, all of them. */
function isBalanced({ plan: { settings } }: World): boolean {
  return (
    settings['leader.imbalance.check.interval.seconds'] === 1 &&
    settings['leader.imbalance.per.broker.percentage'] === 0
  );
}

/** Leaders lead, and have nothing that is not committed. */
function missingOnLeaders(world: World): string | null {
  const image = world.live(world.plan.brokers[0]!)!.image();
  for (const { value: topic } of image.topics.values()) {
    for (const [partition, { value }] of image.partitions.get(topic.topicId) ?? []) {
      const leader = world.live(value.leader!.broker)?.partitions.get(topic.topicId, partition);
      const name = `${topic.name}-${partition}`;
      if (leader?.isLeader !== true) return `b${value.leader!.broker} doesn't act as leader of ${name}`;
      if (leader.highWatermark < leader.logEnd) return `${name} isn't committed beyond ${leader.highWatermark}`;
    }
  }
  return null;
}
