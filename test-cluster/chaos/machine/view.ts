import { command } from './commands';

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** Null: none. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** The cluster as one broker tells its clients. */
export interface ClusterView {
  readonly brokers: readonly number[];
  readonly controller: number | null;
  readonly partitions: readonly PartitionView[];
}

interface Listing {
  controllerid: number;
  brokers: { id: number }[];
  topics: {
    topic: string;
    partitions: { partition: number; leader: number; replicas: { id: number }[]; isrs: { id: number }[] }[];
  }[];
}

const TIMEOUT_S = 5;

/** Asks the broker at an address (`host:port`), by kcat. */
export async function askForView(address: string): Promise<ClusterView> {
  const text = await command('kcat', ['-L', '-J', '-b', address, '-m', String(TIMEOUT_S)], 2 * TIMEOUT_S * 1000);
  const listing = JSON.parse(text) as Listing;
  return {
    brokers: listing.brokers.map(({ id }) => id),
    controller: listing.controllerid < 0 ? null : listing.controllerid,
    partitions: listing.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, leader, replicas, isrs }) => ({
        topic,
        partition,
        leader: leader < 0 ? null : leader,
        replicas: replicas.map(({ id }) => id),
        isr: isrs.map(({ id }) => id),
      })),
    ),
  };
}

/** What isn't yet as it should be, in a sentence; null: every partition is led and every replica in sync. */
export function whatIsAmiss(view: ClusterView, brokers: number): string | null {
  if (view.brokers.length !== brokers) return `brokers ${view.brokers.join(', ')} only`;
  if (view.controller === null) return 'no controller';
  if (view.partitions.length === 0) return 'no partitions';
  const amiss = view.partitions.filter(({ leader, isr, replicas }) => leader === null || isr.length < replicas.length);
  const show = ({ topic, partition, leader, isr, replicas }: PartitionView): string =>
    `${topic}-${partition} leader ${leader ?? 'none'}, ISR ${isr.join(',')} of ${replicas.join(',')}`;
  return amiss.length === 0 ? null : amiss.slice(0, 3).map(show).join('; ');
}
