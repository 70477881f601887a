import { ClusterMember, type TopicDefaults } from '@ottla/controller';
import { HeldDirectory, LogDirectory } from '@ottla/log';
import { type ClusterImage, ImageTracker } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import type { Clock, Codecs, Logger, PeerAddress, Random } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import { type BrokerProcess, Doubts } from '../peers/doubts';
import { WatchedPeers } from '../peers/watched-peers';
import type { Closing } from './closing';
import { ensureGeneration, readLastRun } from './generation';
import type { BrokerPorts, ClosablePeers } from './ports';
import { contradiction, readSeen } from './seen-store';

export interface FoundationOptions {
  readonly ports: BrokerPorts;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly self: { readonly broker: number; readonly run: string };
  /** What is opened is added here. */
  readonly closing: Closing;
  /** Called when the broker can't go on. */
  fail(error: OttlaError): void;
}

/** What everything else in a broker stands on: its data directory, the image of the cluster, and its membership. */
export interface Foundation extends FoundationOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly directory: LogDirectory;
  readonly tracker: ImageTracker;
  readonly network: ClosablePeers;
  readonly doubts: Doubts;
  readonly member: ClusterMember;
  readonly defaults: TopicDefaults;
}

const STORE_TIMEOUT_MS = 30_000;

export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { ports, config, logger, self, closing, fail } = options;
  const { clock, random, codecs } = ports;
  const shared = { clock, random, codecs, logger };
  const clusterId = config['cluster.id'];
  const held = await takeDirectory(options);
  let directory: LogDirectory | null = null;
  closing.add('the data directory', () => directory?.close({ clean: true }) ?? held.release());

  const opened = await ports.openStore(config, logger);
  closing.add('the metadata store', () => opened.close());
  opened.failed.then(fail);
  await ensureGeneration(opened.store, clusterId, { ...shared, timeoutMs: STORE_TIMEOUT_MS });
  const tracker = new ImageTracker({ ...shared, store: opened.store, clusterId });
  closing.add('the image of the cluster', () => tracker.close());
  await tracker.start(STORE_TIMEOUT_MS);
  const lastRun = await readLastRun(
    tracker.store,
    { clusterId, broker: self.broker },
    { ...shared, timeoutMs: STORE_TIMEOUT_MS },
  );
  const seen = await readSeen(ports.disk, held.dir);
  const ahead = held.isAheadOf(lastRun);
  const restored = seen === null ? null : contradiction(seen, tracker.image, ahead);
  if (restored !== null) tracker.suspend(restored, seen!.generation);
  directory = await LogDirectory.use(held, lastRun);
  directory.onOffline(fail);

  const doubts = new Doubts(clock);
  const network = new WatchedPeers(ports.openPeers(logger), {
    from: (hello) => doubts.onBroken(hello),
    to: (address) => {
      const process = registeredAt(tracker.image, address);
      if (process !== null) doubts.onBroken(process);
    },
  });
  closing.add('the connections to other brokers', () => network.close());
  const defaults = topicDefaults(config);
  const member = new ClusterMember({
    ...shared,
    ...{ clusterId, self, view: tracker, network, defaults, onSuperseded: fail },
    ...(ports.onControllerEvent === undefined ? {} : { onEvent: ports.onControllerEvent }),
    leaderBalance: {
      enabled: config['auto.leader.rebalance.enable'],
      checkIntervalMs: config['leader.imbalance.check.interval.seconds'] * 1000,
      perBrokerPercentage: config['leader.imbalance.per.broker.percentage'],
    },
    timings: {
      sessionTimeoutMs: config['broker.session.timeout.ms'],
      heartbeatIntervalMs: config['broker.heartbeat.interval.ms'],
      leaseTtlMs: config['metadata.lease.ttl.ms'],
    },
  });
  return { ...options, ...shared, directory, tracker, network, doubts, member, defaults };
}

function registeredAt(image: ClusterImage, { host, port }: PeerAddress): BrokerProcess | null {
  for (const { value } of image.brokers.values()) {
    if (value.peer.host === host && value.peer.port === port) return value;
  }
  return null;
}

async function takeDirectory({ ports, config, logger, self }: FoundationOptions): Promise<HeldDirectory> {
  return HeldDirectory.take({
    ...{ disk: ports.disk, clock: ports.clock, random: ports.random, logger },
    dir: config['log.dirs'][0]!,
    clusterId: config['cluster.id'],
    brokerId: self.broker,
    run: self.run,
    bootId: await ports.bootId(),
    producerExpirationMs: config['producer.id.expiration.ms'],
  });
}

function topicDefaults(config: BrokerConfig): TopicDefaults {
  return {
    partitions: config['num.partitions'],
    replicationFactor: config['default.replication.factor'],
    minInsyncReplicas: config['min.insync.replicas'],
    uncleanLeaderElection: config['unclean.leader.election.enable'],
  };
}
