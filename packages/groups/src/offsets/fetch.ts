import { ErrorCode, type ErrorName, type OffsetFetchRequest, type OffsetFetchResponse } from '@ottla/protocol';
import type { RequestContext } from '../messages';
import type { Shard } from '../shard';

/** From this version on a request names several groups. */
const SEVERAL_GROUPS_FROM = 8;
/** From this version on there is an error for the whole request. */
const TOP_LEVEL_ERROR_FROM = 2;

type RequestedTopics = OffsetFetchRequest['topics'];
type FetchedTopics = NonNullable<OffsetFetchResponse['topics']>;
type FetchedPartition = FetchedTopics[number]['partitions'][number];

/** Answers from what is below the high watermark. A partition without a committed offset gets -1, which is no error. */
export function fetchOffsets(shard: Shard, context: RequestContext, body: OffsetFetchRequest): void {
  const { requireStable } = body;
  if (context.version >= SEVERAL_GROUPS_FROM) {
    const groups = body.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: offsetsOf(shard, groupId, topics, requireStable),
      errorCode: ErrorCode.NONE,
    }));
    shard.reply(context, { groups });
  } else {
    const topics = offsetsOf(shard, body.groupId, body.topics, requireStable);
    shard.reply(context, { topics, errorCode: ErrorCode.NONE });
  }
}

/** The answer to a fetch that doesn't reach the groups. */
export function fetchRefusal(version: number, body: OffsetFetchRequest, error: ErrorName): OffsetFetchResponse {
  const errorCode = ErrorCode[error];
  if (version >= SEVERAL_GROUPS_FROM) {
    return { groups: body.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) };
  }
  if (version >= TOP_LEVEL_ERROR_FROM) return { topics: [], errorCode };
  const topics = (body.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => ({ ...nothing(partition), errorCode })),
  }));
  return { topics };
}

/** The named partitions' offsets, or all that the group has committed where none are named. */
function offsetsOf(shard: Shard, groupId: string, topics: RequestedTopics, requireStable: boolean): FetchedTopics {
  const isKnown = shard.groups.get(groupId)?.state !== 'Dead';
  if (topics === null) return isKnown ? allOffsets(shard, groupId, requireStable) : [];
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) =>
      isKnown ? offsetOf(shard, groupId, name, partition, requireStable) : nothing(partition),
    ),
  }));
}

function allOffsets(shard: Shard, groupId: string, requireStable: boolean): FetchedTopics {
  const fetched: FetchedTopics = [];
  for (const { topic, partitions } of shard.offsets.committed(groupId)) {
    fetched.push({
      name: topic,
      partitions: partitions.map(({ partition }) => offsetOf(shard, groupId, topic, partition, requireStable)),
    });
  }
  return fetched;
}

function offsetOf(
  shard: Shard,
  groupId: string,
  topic: string,
  partition: number,
  requireStable: boolean,
): FetchedPartition {
  // Who asks for stability would otherwise start from an offset that is about to change.
  if (requireStable && shard.offsets.isPending(groupId, topic, partition)) {
    return { ...nothing(partition), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT };
  }
  const committed = shard.offsets.get(groupId, topic, partition);
  if (!committed) return nothing(partition);
  return {
    partitionIndex: partition,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: ErrorCode.NONE,
  };
}

function nothing(partition: number): FetchedPartition {
  return {
    partitionIndex: partition,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: ErrorCode.NONE,
  };
}
