import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** From here on several groups are asked for at once, and each has its error. */
const SEVERAL_GROUPS_VERSION = 8;
/** Before this version an error could only be said for each partition. */
const TOP_LEVEL_ERROR_VERSION = 2;
const NO_OFFSET = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '' };

/** Committed offsets. */
export const offsetFetch = defineHandler(apis.OffsetFetch, {
  handle: (request, services) => toGroups('OffsetFetch', request, services),

  failure({ body, header }, { errorCode }) {
    if (header.apiVersion >= SEVERAL_GROUPS_VERSION) {
      return { groups: body.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) };
    }
    if (header.apiVersion >= TOP_LEVEL_ERROR_VERSION) return { topics: [], errorCode };
    const topics = (body.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...NO_OFFSET, errorCode })),
    }));
    return { topics };
  },
});
