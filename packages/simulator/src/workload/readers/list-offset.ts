import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import type { PartitionRef } from '../../history/events';
import type { ActorContext } from '../actor';
import type { WireClient } from '../wire/wire-client';

const TIMESTAMPS = { latest: -1, earliest: -2 };
const VERSION = 7;

/** Asks the leader of an epoch where the log of a topic that is never deleted begins or ends, and remembers what it said. */
export async function listOffset(
  { recorder, name }: Pick<ActorContext, 'recorder' | 'name'>,
  client: WireClient,
  to: PartitionRef,
  { leader, leaderEpoch }: { readonly leader: number; readonly leaderEpoch: number },
  which: 'earliest' | 'latest',
): Promise<{ readonly offset: number }> {
  const sent = recorder.mark;
  const partitions = [{ partitionIndex: to.partition, currentLeaderEpoch: leaderEpoch, timestamp: TIMESTAMPS[which] }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: to.topic, partitions }], timeoutMs: 0 };
  const answer = await client.ask(leader, apis.ListOffsets, VERSION, body);
  const result = answer.topics[0]?.partitions[0];
  if (result === undefined || result.errorCode !== ErrorCode.NONE) {
    throw new OttlaError(errorName(result?.errorCode ?? -1), `the ${which} offset was refused`);
  }
  const { offset } = result;
  recorder.record({ type: 'offset-told', client: name, sent, ...to, broker: leader, which, leaderEpoch, offset });
  return { offset };
}
