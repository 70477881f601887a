import type { AskedElection, PartitionResult, TopicPartition } from '@ottla/controller';
import { apis, type ElectLeadersRequest, type ElectLeadersResponse, ErrorCode, OttlaError } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { PartitionResults } from '../topics/partition-results';

const ELECTION_TYPES: readonly AskedElection[] = ['preferred', 'unclean'];

/** Elects leaders on request: the preferred ones, or anyone for partitions without a leader. Each partition stands alone. */
export const electLeaders = defineHandler(apis.ElectLeaders, {
  async handle({ body }, services) {
    const kind = ELECTION_TYPES[body.electionType];
    if (kind === undefined) {
      throw new OttlaError(
        'INVALID_REQUEST',
        `election type ${body.electionType} is unknown: 0 is preferred, 1 unclean`,
      );
    }
    const timeoutMs = Math.max(body.timeoutMs, 0);
    const results = await services.partitionAdmin.elect(kind, askedFor(body), { timeoutMs });
    const noted = new PartitionResults(services, 'electing a leader of');
    for (const result of results) noted.add(result, result.error);
    return { errorCode: ErrorCode.NONE, replicaElectionResults: grouped(results) };
  },

  failure: ({ body }, error) => ({
    errorCode: error.errorCode,
    replicaElectionResults: grouped((askedFor(body) ?? []).map((partition) => ({ ...partition, error }))),
  }),
});

/** Each once; null for all. */
function askedFor({ topicPartitions }: ElectLeadersRequest): TopicPartition[] | null {
  if (topicPartitions === null) return null;
  const asked = topicPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => [`${topic}/${partition}`, { topic, partition }] as const),
  );
  return [...new Map(asked).values()];
}

function grouped(results: readonly PartitionResult[]): ElectLeadersResponse['replicaElectionResults'] {
  const byTopic = new Map<string, PartitionResult[]>();
  for (const result of results) byTopic.set(result.topic, [...(byTopic.get(result.topic) ?? []), result]);
  return [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    partitionResult: ofTopic.map(({ partition, error }) => ({
      partitionId: partition,
      errorCode: error?.errorCode ?? ErrorCode.NONE,
      errorMessage: error?.message ?? null,
    })),
  }));
}
