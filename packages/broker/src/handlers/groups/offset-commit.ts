import type { ClusterImage } from '@ottla/metadata';
import { apis, ErrorCode, type OffsetCommitRequest, type OffsetCommitResponse } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { findTopic } from '../topic-lookup';
import { toGroups } from './to-groups';

type TopicRequest = OffsetCommitRequest['topics'][number];
type TopicResponse = OffsetCommitResponse['topics'][number];

/** Commits offsets. Those of partitions that don't exist are refused one by one, the others are kept. */
export const offsetCommit = defineHandler(apis.OffsetCommit, {
  async handle(request, services) {
    const image = services.image();
    const { topics } = request.body;
    const known = topics.flatMap((topic) => withPartitions(topic, (partition) => exists(image, topic.name, partition)));
    const unknown = topics.flatMap((topic) =>
      withPartitions(topic, (partition) => !exists(image, topic.name, partition)),
    );
    const refused = unknown.map((topic) => refusal(topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
    if (known.length === 0 && unknown.length > 0) return { topics: refused };
    const response = await toGroups('OffsetCommit', { ...request, body: { ...request.body, topics: known } }, services);
    return { ...response, topics: merged([...response.topics, ...refused]) };
  },

  failure: ({ body }, error) => ({ topics: body.topics.map((topic) => refusal(topic, error.errorCode)) }),
});

function exists(image: ClusterImage, name: string, partition: number): boolean {
  const topic = findTopic(image, { name });
  return topic !== null && partition >= 0 && partition < topic.partitions;
}

function withPartitions(topic: TopicRequest, keep: (partition: number) => boolean): TopicRequest[] {
  const partitions = topic.partitions.filter(({ partitionIndex }) => keep(partitionIndex));
  return partitions.length === 0 ? [] : [{ ...topic, partitions }];
}

function refusal({ name, partitions }: TopicRequest, errorCode: number): TopicResponse {
  return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
}

function merged(topics: readonly TopicResponse[]): TopicResponse[] {
  const byName = new Map<string, TopicResponse>();
  for (const { name, partitions } of topics) {
    const known = byName.get(name);
    byName.set(name, { name, partitions: [...(known?.partitions ?? []), ...partitions] });
  }
  return [...byName.values()];
}
