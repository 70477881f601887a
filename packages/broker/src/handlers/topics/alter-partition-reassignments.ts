import type { ReassignmentRequest } from '@ottla/controller';
import {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  apis,
  ErrorCode,
  OttlaError,
} from '@ottla/protocol';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';
import { PartitionResults } from './partition-results';

/** Begins, redirects and cancels reassignments. Each partition stands alone. */
export const alterPartitionReassignments = defineHandler(apis.AlterPartitionReassignments, {
  async handle({ body }, services) {
    const { timeoutMs, allowReplicationFactorChange } = body;
    const asked = askedFor(body);
    const twice = repeated(asked.map(nameOf));
    const once = asked.filter((request) => !twice.has(nameOf(request)));
    const options = { timeoutMs: Math.max(timeoutMs, 0), allowReplicationFactorChange };
    const results = new PartitionResults(services, 'reassigning');
    for (const request of asked) {
      if (twice.has(nameOf(request))) results.add(request, new OttlaError('INVALID_REQUEST', twiceIn(request)));
    }
    for (const result of await services.partitionAdmin.reassign(once, options)) results.add(result, result.error);
    return response(body, (topic, partition) => results.of(topic, partition));
  },

  failure: ({ body }, error) => ({
    ...response(body, () => error),
    errorCode: error.errorCode,
    errorMessage: error.message,
  }),
});

function askedFor(body: AlterPartitionReassignmentsRequest): ReassignmentRequest[] {
  return body.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
  );
}

function nameOf({ topic, partition }: ReassignmentRequest): string {
  return `${topic}-${partition}`;
}

function twiceIn(request: ReassignmentRequest): string {
  return `${nameOf(request)} is in the request twice`;
}

function response(
  { topics, allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
  errorOf: (topic: string, partition: number) => OttlaError | null,
): AlterPartitionReassignmentsResponse {
  const responses = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      const error = errorOf(name, partitionIndex);
      return { partitionIndex, errorCode: error?.errorCode ?? ErrorCode.NONE, errorMessage: error?.message ?? null };
    }),
  }));
  return { allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage: null, responses };
}
