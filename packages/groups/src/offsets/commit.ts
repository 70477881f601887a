import { ErrorCode, type ErrorName, type OffsetCommitRequest, type OffsetCommitResponse } from '@ottla/protocol';
import type { Group } from '../group';
import type { RequestContext } from '../messages';
import { offsetRecord } from '../records/offset-commit';
import { fitsRecord } from '../records/text-length';
import type { Shard } from '../shard';
import { answerToCommitWriteError } from '../write-errors';
import type { OffsetChange } from './store';

/** From this version on an unknown group is called that (KIP-848); before, the generation is called wrong. */
const GROUP_ID_NOT_FOUND_FROM = 9;

type CommittedTopics = OffsetCommitRequest['topics'];

export function commitOffsets(shard: Shard, context: RequestContext, body: OffsetCommitRequest): void {
  const known = shard.groups.get(body.groupId);
  const error = commitError(known, context.version, body);
  if (error !== null) {
    shard.reply(
      context,
      respond(body.topics, () => error),
    );
    return;
  }
  // A group that nobody has joined: a consumer that assigns its partitions itself, or an administrator.
  const group = known ?? shard.groupOrNew(body.groupId);
  const member = group.members.get(body.memberId);
  if (member && (group.state === 'Stable' || group.state === 'PreparingRebalance')) shard.renewSession(member);

  const isTooLong = (metadata: string | null): boolean =>
    metadata !== null && (metadata.length > shard.options.offsetMetadataMaxBytes || !fitsRecord(metadata));
  const changes = changesOf(shard, body, isTooLong);
  const resultOf = ({ committedMetadata }: { committedMetadata: string | null }): ErrorName =>
    isTooLong(committedMetadata) ? 'OFFSET_METADATA_TOO_LARGE' : 'NONE';
  if (changes.length === 0) {
    shard.reply(context, respond(body.topics, resultOf));
    shard.forgetIfUnused(group);
    return;
  }
  const { id } = group;
  shard.offsets.stage(id, changes);
  const write = shard.write({
    records: changes.map((change) => offsetRecord(id, change)),
    group: id,
    what: 'committed offsets',
    settle: ({ writeId, error: failure, inDoubt }) => {
      if (failure === null) shard.offsets.apply(id, changes, writeId);
      else shard.offsets.drop(id, changes, writeId, inDoubt);
      if (shard.offsets.has(id)) shard.groupOrNew(id);
    },
  });
  shard.park(group, write, (failure) => {
    const answer = failure && answerToCommitWriteError(failure);
    shard.reply(context, respond(body.topics, answer ? () => answer : resultOf));
    shard.forgetIfUnused(group);
  });
}

/** Why the commit as a whole is refused, or null. */
function commitError(group: Group | undefined, version: number, body: OffsetCommitRequest): ErrorName | null {
  const { generationIdOrMemberEpoch: generation, memberId, groupInstanceId: instance } = body;
  if (!fitsRecord(body.groupId)) return 'INVALID_GROUP_ID';
  if (!body.topics.every(({ name }) => fitsRecord(name))) return 'INVALID_TOPIC_EXCEPTION';
  if (!group) {
    if (generation < 0) return null;
    return version >= GROUP_ID_NOT_FOUND_FROM ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION';
  }
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  if (generation < 0 && group.state === 'Empty') return null;
  if (generation >= 0 || memberId !== '' || instance !== null) {
    const memberError = group.memberError(memberId, instance);
    if (memberError !== null) return memberError;
    if (generation !== group.generation) return 'ILLEGAL_GENERATION';
  } else if (group.state !== 'Empty') {
    return 'UNKNOWN_MEMBER_ID';
  }
  // The member knows the generation and so has had its JoinGroup answered: it should sync first.
  return group.state === 'CompletingRebalance' ? 'REBALANCE_IN_PROGRESS' : null;
}

function changesOf(
  shard: Shard,
  body: OffsetCommitRequest,
  isTooLong: (metadata: string | null) => boolean,
): OffsetChange[] {
  const { retentionTimeMs } = body;
  const expireTimestamp = retentionTimeMs === -1 ? null : shard.now + retentionTimeMs;
  return body.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ committedMetadata }) => !isTooLong(committedMetadata))
      .map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => ({
        topic: name,
        partition: partitionIndex,
        value: {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata: committedMetadata ?? '',
          commitTimestamp: shard.now,
          expireTimestamp,
        },
      })),
  );
}

function respond(
  topics: CommittedTopics,
  errorOf: (partition: CommittedTopics[number]['partitions'][number]) => ErrorName,
): OffsetCommitResponse {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: ErrorCode[errorOf(partition)],
      })),
    })),
  };
}

/** The answer to a commit that doesn't reach the group: every partition gets the error. */
export function commitRefusal(body: OffsetCommitRequest, error: ErrorName): OffsetCommitResponse {
  return respond(body.topics, () => error);
}
