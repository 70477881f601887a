import { errorName, OttlaError } from '@ottla/protocol';
import type { Cluster } from './cluster';

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;

export type OffsetAt = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestamp: number };

export interface OffsetQuery {
  readonly topic: string;
  readonly partition: number;
  readonly at: OffsetAt;
  readonly readCommitted?: boolean;
}

/** The offset asked for, from the partition's leader; null when no record has such a timestamp. */
export async function listOffset(
  cluster: Cluster,
  { topic, partition, at, readCommitted = false }: OffsetQuery,
  signal?: AbortSignal,
): Promise<number | null> {
  const leader = cluster.metadata.leader(topic, partition);
  if (leader === null) throw new OttlaError('LEADER_NOT_AVAILABLE', `${topic}-${partition} has no leader now`);
  const entry = { topic, partition, timestamp: timestampOf(at), currentLeaderEpoch: leader.leaderEpoch };
  const { results } = await cluster
    .broker(leader.broker.id)
    .listOffsets({ readCommitted, entries: [entry] }, { timeoutMs: cluster.settings.requestTimeoutMs, signal });
  const [result] = results;
  if (result === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', `broker ${leader.broker.id} answered nothing`);
  if (result.errorCode !== 0) {
    const code = errorName(result.errorCode);
    throw new OttlaError(code, result.errorMessage || `${topic}-${partition}: ${code}`);
  }
  return result.offset < 0 ? null : result.offset;
}

function timestampOf(at: OffsetAt): number {
  if (typeof at === 'object') return at.timestamp;
  return { earliest: EARLIEST, latest: LATEST, 'max-timestamp': MAX_TIMESTAMP }[at];
}
