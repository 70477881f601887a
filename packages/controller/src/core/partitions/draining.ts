import type { ClusterImage } from '@ottla/metadata';
import { electFromIsr } from './election';
import { settleInSync, withoutDraining } from './in-sync';

/** How many partitions the broker leads that another one could lead now. */
export function movableLeaderships(
  image: ClusterImage,
  self: { readonly broker: number; readonly run: string },
): number {
  const view = { registrations: image.brokers, isUnjudged: () => false };
  let count = 0;
  for (const topic of image.topics.values()) {
    for (const { value } of image.partitions.get(topic.value.topicId)?.values() ?? []) {
      if (value.leader?.broker !== self.broker || value.leader.run !== self.run) continue;
      if (electFromIsr(value, settleInSync(value, view), view) !== null) count++;
    }
  }
  return count;
}

/** How many partitions still count a draining broker as in sync that the controller is about to let go of. */
export function leavableMemberships(image: ClusterImage, broker: number): number {
  const view = { registrations: image.brokers, isUnjudged: () => false };
  let count = 0;
  for (const topic of image.topics.values()) {
    for (const { value } of image.partitions.get(topic.value.topicId)?.values() ?? []) {
      const leader = value.leader?.broker ?? null;
      if (leader === broker || !value.isr.some((member) => member.broker === broker)) continue;
      const left = withoutDraining(value, view, settleInSync(value, view).isr, leader);
      if (!left.some((member) => member.broker === broker)) count++;
    }
  }
  return count;
}
