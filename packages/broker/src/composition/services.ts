import { ConfigAdmin, PartitionAdmin, TopicAdmin } from '@ottla/controller';
import { DynamicConfig } from '../config/dynamic/dynamic-config';
import type { BrokerConfig } from '../config/schema';
import { checkTopicConfigs } from '../config/topic-settings';
import { GroupHost } from '../groups/group-host';
import { rememberBrokers } from '../handlers/known-brokers';
import { Deletions } from '../partition/deletions';
import { Removals } from '../partition/removals';
import { ReplicaManager } from '../partition/replica-manager';
import { ProduceForwarder } from '../peers/produce-forwarder';
import { ProducerIds } from '../producer-ids';
import type { BrokerServices, LogDirState } from '../services';
import { Checkpoints } from './checkpoints';
import type { Foundation } from './foundation';

export interface OpenServices {
  readonly services: BrokerServices;
  readonly peerPort: number;
}

/** Opens the replicas that this broker holds, and what handlers reach them and the rest through. */
export async function openServices(foundation: Foundation): Promise<OpenServices> {
  const { ports, config, closing, clock, random, codecs, logger, self, tracker, doubts, defaults } = foundation;
  const clusterId = config['cluster.id'];
  const shared = { clock, random, logger, codecs };
  const live = new DynamicConfig(config, logger);
  const configNow = (): BrokerConfig => live.in(tracker.image);
  const validateConfigs = (configs: Readonly<Record<string, string>>): void => {
    checkTopicConfigs(Object.entries(configs));
  };
  const { replicas, peerPort } = await openReplicas(foundation, configNow);
  const producerIds = new ProducerIds({
    ...{ ...shared, store: tracker.store, clusterId, self },
    knownBelow: () => Math.max(tracker.image.producerIds?.value.nextProducerId ?? 0, replicas.nextProducerId),
    onRestored: (reason) => tracker.suspend(reason),
  });
  foundation.member.reportReplicasBy(async () => {
    const report = await replicas.stopAndReport();
    return { ...report, nextProducerId: Math.max(report.nextProducerId, producerIds.givenOutBelow) };
  });
  const groups = new GroupHost({ ...shared, config, self, partitions: replicas, tracker });
  closing.add('the group coordinators', () => groups.close());
  const forwarder = new ProduceForwarder({ tcp: ports.tcp, clock });
  closing.add('what was forwarded', () => forwarder.close());
  const services: BrokerServices = {
    ...shared,
    get config() {
      return configNow();
    },
    ...{ self, clusterId, doubts, forwarder, groups, partitions: replicas },
    topics: new TopicAdmin({ ...shared, view: tracker, defaults, validateConfigs }),
    partitionAdmin: new PartitionAdmin({ ...shared, view: tracker, defaults }),
    configs: new ConfigAdmin({ ...shared, view: tracker, defaults }),
    image: () => tracker.image,
    onImageChange: (listener: Parameters<BrokerServices['onImageChange']>[0]) => tracker.onChange(listener),
    logDir: () => describeLogDir(foundation),
    producerIds,
  };
  rememberBrokers(services);
  return { services, peerPort };
}

async function openReplicas(
  foundation: Foundation,
  configNow: () => BrokerConfig,
): Promise<{ replicas: ReplicaManager; peerPort: number }> {
  const { config, closing, clock, random, codecs, logger, self, tracker, directory, network, member } = foundation;
  const shared = { clock, random, logger, tracker, directory };
  const clusterId = config['cluster.id'];
  const hello = { clusterId, ...self };
  const replicas = new ReplicaManager({
    ...{ ...shared, hello, codecs, network },
    get config() {
      return configNow();
    },
  });
  closing.add('the replicas', () => replicas.close());
  const intervalMs = config['replica.high.watermark.checkpoint.interval.ms'];
  const checkpoints = new Checkpoints({ ...shared, disk: foundation.ports.disk, replicas, intervalMs });
  closing.add('the checkpoints', () => checkpoints.close());
  const release = (topicId: string, partition: number): Promise<void> => replicas.release(topicId, partition);
  const deletions = new Deletions({ ...shared, broker: self.broker, clusterId, release });
  closing.add('the deletions', () => deletions.close());
  const removals = new Removals({
    ...{ ...shared, broker: self.broker, clusterId },
    discard: (replica, remove) => replicas.discard(replica, remove),
  });
  closing.add('the removals', () => removals.close());

  const peers = await network.serve(
    config['peer.listen'],
    {
      onReplication: (from, stream) => replicas.onReplication(from, stream),
      onSession: (from, stream) => member.onSession(from, stream),
    },
    hello,
  );
  closing.add('the peer listener', () => peers.close());
  await replicas.start();
  checkpoints.start();
  deletions.start();
  removals.start();
  return { replicas, peerPort: peers.port };
}

async function describeLogDir({ ports, directory }: Foundation): Promise<LogDirState> {
  const { dir: path, failure } = directory;
  const totalBytes = (await ports.disk.totalBytes?.(path)) ?? -1;
  const usableBytes = (await ports.disk.freeBytes?.(path)) ?? -1;
  return { path, failure, totalBytes, usableBytes };
}
