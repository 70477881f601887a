import type { Random } from '@ottla/runtime';
import type { DiskSpeed } from '../disk/sim-disk';
import type { Ground } from '../faults/ambush/ambush';
import type { LinkQuality } from '../network/link';
import type { StoreHabits } from '../store/sim-store';
import type { Topology } from './workload-world';

/** What the seed says about the cluster and its machines. */
export interface ClusterPlan extends Topology {
  readonly link: LinkQuality;
  readonly diskSpeed: DiskSpeed;
  readonly store: StoreHabits;
  /** Settings that all brokers share. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Rate of each broker's monotonic clock, and its wall clock's offset, ms. */
  readonly clocks: ReadonlyMap<number, { readonly rate: number; readonly wallOffsetMs: number }>;
}

/** Of a cluster of one; each more broker makes more of every millisecond. */
const FAULT_MS = { least: 6_000, most: 15_000, lessForEach: 900 };
const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
/** Odd numbers are what people run. */
const SIZES = [1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7];
const REPLICATED_SIZES = [3, 3, 3, 3, 3, 4, 5];

/** Preferred leaders lead again within about a second. */
const BALANCED = {
  'leader.imbalance.check.interval.seconds': 1,
  'leader.imbalance.per.broker.percentage': 0,
};

/**
 * `replicated`: several brokers, and replicas on them, are what the run is about. `ground`: what has to be so, whatever is
 * drawn.
 */
export function drawCluster(
  random: Random,
  faultMs: number | undefined,
  replicated: boolean,
  ground: Ground = {},
): ClusterPlan {
  const pick = <T>(...values: readonly T[]): T => values[random.below(values.length)]!;
  const between = (least: number, most: number): number => least + random.below(most - least + 1);
  const drawnSize = pick(...(replicated ? REPLICATED_SIZES : SIZES));
  const size = ground.size ?? drawnSize;
  const brokers = Array.from({ length: size }, (_, index) => index + 1);
  const replicationFactor = Math.min(size, replicated ? pick(2, 3, 3, 3) : pick(1, 2, 3, 3, 3, 3));
  const minInsyncReplicas = Math.min(replicationFactor, pick(1, 1, 2, 2, 2, 3));
  const racked = random.below(3) === 0;
  const racks = new Map(brokers.map((id) => [id, racked ? `r${id % 3}` : null]));
  const sessionTimeoutMs = pick(1_000, 1_500, 3_000);
  const settings = {
    'cluster.id': 'sim',
    'cluster.expected.brokers': size,
    'log.dirs': ['/data'],
    'min.insync.replicas': minInsyncReplicas,
    'default.replication.factor': replicationFactor,
    'offsets.topic.replication.factor': replicationFactor,
    'offsets.topic.num.partitions': between(1, 3),
    'num.partitions': between(1, 3),
    'broker.session.timeout.ms': sessionTimeoutMs,
    'broker.heartbeat.interval.ms': Math.floor(sessionTimeoutMs / pick(4, 6)),
    'metadata.lease.ttl.ms': pick(3_000, 6_000, 10_000),
    'metadata.store.request.timeout.ms': pick(1_000, 2_000, 5_000),
    'replica.lag.time.max.ms': pick(1_000, 2_000, 4_000),
    'replica.high.watermark.checkpoint.interval.ms': pick(500, 5_000),
    'controlled.shutdown.timeout.ms': pick(1_000, 3_000),
    'log.segment.bytes': pick(2_048, 16_384, 1_048_576),
    'log.flush.offset.checkpoint.interval.ms': pick(1_000, 60_000),
    'group.initial.rebalance.delay.ms': pick(0, 100),
    'group.min.session.timeout.ms': 500,
  };
  const clocks = new Map(
    brokers.map((id) => [
      id,
      { rate: 1 + (random.below(2001) - 1000) / 100_000, wallOffsetMs: between(-2_000, 2_000) },
    ]),
  );
  const plan = {
    ...{ brokers, racks, minInsyncReplicas, replicationFactor, clocks },
    faultMs: faultMs ?? between(FAULT_MS.least, FAULT_MS.most - FAULT_MS.lessForEach * (size - 1)),
    link: { delayMs: pick(0.05, 0.2, 1, 5), jitterMs: pick(0, 0.1, 1, 10), lossRate: 0 },
    diskSpeed: { writeMs: pick(0.02, 0.1, 1), syncMs: pick(0.5, 2, 10), readMs: 0 },
    store: {
      ...{ syncMs: pick(0.2, 1, 5), newestInHeaders: random.below(2) === 0, chunk: between(1, 4) },
      ...{ chunkPauseMs: pick(0.1, 2, 20), forgivesStalls: random.below(2) === 0 },
      ...ground.store,
    },
  };
  const selector = racked ? { 'replica.selector.class': RACK_AWARE } : {};
  const expiration = { 'producer.id.expiration.ms': pick(86_400_000, 86_400_000, 86_400_000, 3_000) };
  const balance = replicated || random.below(2) === 0 ? BALANCED : {};
  const topicConfigs = ground.topics === undefined ? {} : { topicConfigs: ground.topics };
  const { recreates = false, latecomers = false } = ground;
  return {
    ...plan,
    ...topicConfigs,
    recreates,
    latecomers,
    settings: { ...settings, ...selector, ...expiration, ...balance, ...ground.settings },
  };
}
