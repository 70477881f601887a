import type { PartitionLog } from '@ottla/log';
import type { ReportedReplica } from '@ottla/runtime';
import type { PartitionHost } from './partition-host';

/** All that this broker's replicas hold. */
export interface ReplicasReport {
  readonly replicas: ReportedReplica[];
  /** No producer id at or above it is in a log here. */
  readonly nextProducerId: number;
}

interface Open {
  readonly host: PartitionHost | null;
  readonly log: PartitionLog | null;
}

/**
 * Stops the replicas: none leads, follows, takes or gives records until the store's next generation. Then tells what their
 * logs hold, which stays true until that.
 */
export async function stopAndReport(held: Iterable<Open>, logId: string): Promise<ReplicasReport> {
  const open = [...held].flatMap(({ host, log }) => (host === null || log === null ? [] : [{ host, log }]));
  for (const { host } of open) host.feed({ type: 'history-lost' });
  await Promise.all(open.map(({ host }) => host.settled()));
  const replicas = open.flatMap(({ host }) => {
    const report = host.report();
    return report === null ? [] : [{ ...report, logId }];
  });
  return { replicas, nextProducerId: nextProducerId(held) };
}

/** No producer id at or above it is in one of the logs. */
export function nextProducerId(held: Iterable<Pick<Open, 'log'>>): number {
  let highest = -1;
  for (const { log } of held) highest = Math.max(highest, log?.producers.highestProducerId ?? -1);
  return highest + 1;
}
