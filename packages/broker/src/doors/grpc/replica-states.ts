import type { door } from '@ottla/rpc';
import type { BrokerServices } from '../../services';

/** The replicas that this broker holds, as it sees them; of all topics when none is named. */
export function replicaStates(services: BrokerServices, topics: readonly string[]): door.ReplicaState[] {
  const image = services.image();
  const names = topics.length > 0 ? topics : [...image.topics.keys()];
  const states: door.ReplicaState[] = [];
  for (const name of names) {
    const topic = image.topics.get(name)?.value;
    for (let partition = 0; topic !== undefined && partition < topic.partitions; partition++) {
      const replica = services.partitions.get(topic.topicId, partition);
      if (replica === null) continue;
      states.push({
        topic: name,
        topicId: topic.topicId,
        partition,
        isLeader: replica.isLeader,
        leaderEpoch: replica.leaderEpoch,
        logStartOffset: replica.logStart,
        logEndOffset: replica.logEnd,
        highWatermark: replica.highWatermark,
        followers: replica.isLeader ? followersOf(replica, services.self.broker) : [],
      });
    }
  }
  return states;
}

function followersOf(
  replica: { progress(): { broker: number; logEnd: number; inIsr: boolean }[] },
  self: number,
): door.FollowerState[] {
  return replica
    .progress()
    .filter(({ broker }) => broker !== self)
    .map(({ broker, logEnd, inIsr }) => ({ broker, logEndOffset: logEnd, inIsr }));
}
