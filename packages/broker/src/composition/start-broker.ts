import { readFile } from 'node:fs/promises';
import { ClusterMember, TopicAdmin, type TopicDefaults } from '@ottla/controller';
import { LogDirectory } from '@ottla/log';
import { ImageTracker } from '@ottla/metadata';
import { type OttlaError, toOttlaError } from '@ottla/protocol';
import { createGrpcServer, type GrpcServer, nodePeerNetwork, serveDoor } from '@ottla/rpc';
import { Deferred, type Logger, nodeClock, nodeCodecs, nodeDisk, nodeRandom, nodeTcp } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import { checkTopicConfigs } from '../config/topic-settings';
import { GrpcDoorHandlers } from '../doors/grpc/door-handlers';
import { KafkaDoor } from '../doors/kafka/kafka-door';
import { GroupHost } from '../groups/group-host';
import { brokerApis } from '../handlers/registry';
import { Deletions } from '../partition/deletions';
import { ReplicaManager } from '../partition/replica-manager';
import { ProducerIds } from '../producer-ids';
import type { BrokerServices } from '../services';
import { registeredAddresses } from './addresses';
import { startAdminServer } from './admin-server';
import { Checkpoints } from './checkpoints';
import { Closing } from './closing';
import { ensureGeneration, openMetadataStore } from './metadata-store';
import { createLogger } from './winston-logger';

export interface RunningBroker {
  readonly broker: number;
  /** host:port under which this process can be reached from its own machine. */
  readonly addresses: { readonly kafka: string; readonly grpc: string; readonly peer: string; readonly admin: string };
  /** Settles, with the reason, when the broker can't go on and should be closed; never otherwise. */
  readonly failed: Promise<OttlaError>;
  /** Hands its leaderships over, answers what is under way, and closes everything. */
  close(): Promise<void>;
}

const TOPIC_IMAGE_TIMEOUT_MS = 30_000;

/** Starts a broker in this process. Resolves when it serves; rejects, with everything closed again, when it can't. */
export async function startBroker(config: BrokerConfig, logger: Logger = loggerOf(config)): Promise<RunningBroker> {
  const closing = new Closing();
  try {
    return await start(config, logger, closing);
  } catch (error) {
    await closing.run(logger);
    throw error;
  }
}

function loggerOf(config: BrokerConfig): Logger {
  const { 'logging.level': level, 'logging.format': format, 'node.id': broker } = config;
  return createLogger({ level, format, fields: { broker } });
}

async function start(config: BrokerConfig, logger: Logger, closing: Closing): Promise<RunningBroker> {
  const startedAt = nodeClock.wall();
  const clusterId = config['cluster.id'];
  const self = { broker: config['node.id'], run: nodeRandom.uuid() };
  const hello = { clusterId, ...self };
  const failed = new Deferred<OttlaError>();
  const defaults = topicDefaults(config);
  const shared = { clock: nodeClock, random: nodeRandom, logger };

  const directory = await LogDirectory.open({
    ...shared,
    disk: nodeDisk,
    dir: config['log.dirs'][0]!,
    clusterId,
    brokerId: self.broker,
    run: self.run,
    bootId: await bootId(),
    producerExpirationMs: config['producer.id.expiration.ms'],
  });
  closing.add('the data directory', () => directory.close({ clean: true }));
  directory.onOffline((error) => failed.resolve(error));

  const opened = await openMetadataStore(config, nodeClock, logger);
  closing.add('the metadata store', () => opened.close());
  opened.failed.then((error) => failed.resolve(error));
  await ensureGeneration(opened.store, clusterId);
  const tracker = new ImageTracker({ ...shared, store: opened.store, clusterId });
  closing.add('the image of the cluster', () => tracker.close());
  await tracker.start(TOPIC_IMAGE_TIMEOUT_MS);

  const network = nodePeerNetwork(shared);
  closing.add('the connections to other brokers', () => network.close());
  const member = new ClusterMember({
    ...shared,
    clusterId,
    self,
    view: tracker,
    network,
    defaults,
    timings: {
      sessionTimeoutMs: config['broker.session.timeout.ms'],
      heartbeatIntervalMs: config['broker.heartbeat.interval.ms'],
      leaseTtlMs: config['metadata.lease.ttl.ms'],
    },
    onSuperseded: (error) => failed.resolve(error),
  });
  await member.prepare();

  const validateConfigs = (configs: Readonly<Record<string, string>>): void =>
    void checkTopicConfigs(Object.entries(configs));
  const topics = new TopicAdmin({ ...shared, view: tracker, self, defaults, validateConfigs });
  const replicas = new ReplicaManager({ ...shared, config, hello, codecs: nodeCodecs, tracker, directory, network });
  closing.add('the replicas', () => replicas.close());
  const checkpoints = new Checkpoints({
    ...shared,
    directory,
    replicas,
    intervalMs: config['replica.high.watermark.checkpoint.interval.ms'],
  });
  closing.add('the checkpoints', () => checkpoints.close());
  const deletions = new Deletions({
    ...shared,
    broker: self.broker,
    tracker,
    directory,
    topics,
    release: (topicId, partition) => replicas.release(topicId, partition),
  });
  closing.add('deletions', () => deletions.close());
  const groups = new GroupHost({ ...shared, config, partitions: replicas, codecs: nodeCodecs });
  closing.add('the group coordinators', () => groups.close());
  const producerIds = new ProducerIds({ ...shared, store: tracker.store, clusterId, self });

  const services: BrokerServices = {
    ...shared,
    config,
    self,
    clusterId,
    codecs: nodeCodecs,
    image: () => tracker.image,
    onImageChange: (listener) => tracker.onChange(listener),
    partitions: replicas,
    topics,
    groups,
    producerIds,
  };

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

  const doors = await openDoors(config, services, closing);
  const registered = registeredAddresses(config, { kafka: doors.kafkaPorts, grpc: doors.grpcPort, peer: peers.port });
  let serving = false;
  const admin = await startAdminServer(config['admin.listen'], { healthy: () => serving });
  closing.add('the admin server', () => admin.close());

  closing.add('the membership', () => member.close());
  await member.start({ logIds: [directory.logId], rack: config['broker.rack'], ...registered, startedAt });
  await tracker.waitFor((image) => image.brokers.get(self.broker)?.value.run === self.run, TOPIC_IMAGE_TIMEOUT_MS);
  doors.grpc.setHealth('', 'serving');
  serving = true;
  closing.add('its service', async () => {
    serving = false;
    doors.grpc.setHealth('', 'not-serving');
    await member.drain(config['controlled.shutdown.timeout.ms']);
  });

  const local = (host: string, port: number): string => `${localHost(host)}:${port}`;
  const [first] = config.listeners;
  return {
    broker: self.broker,
    addresses: {
      kafka: local(first!.host, doors.kafkaPorts.get(first!.name)!),
      grpc: local(config['grpc.listen'].host, doors.grpcPort),
      peer: local(config['peer.listen'].host, peers.port),
      admin: local(config['admin.listen'].host, admin.port),
    },
    failed: failed.promise,
    close: () => closing.run(logger),
  };
}

interface OpenDoors {
  readonly kafkaPorts: ReadonlyMap<string, number>;
  readonly grpcPort: number;
  readonly grpc: GrpcServer;
}

async function openDoors(config: BrokerConfig, services: BrokerServices, closing: Closing): Promise<OpenDoors> {
  const { clock, logger } = services;
  const registry = brokerApis();
  const kafkaPorts = new Map<string, number>();
  const kafkaListenerAt = (port: number): string | null =>
    [...kafkaPorts].find(([, bound]) => bound === port)?.[0] ?? null;
  const grpc = createGrpcServer({ clock, logger });
  serveDoor(grpc, new GrpcDoorHandlers(registry, services, kafkaListenerAt), { clock, logger });
  const { port: grpcPort } = await grpc.listen(config['grpc.listen']);
  const timeoutMs = config['controlled.shutdown.timeout.ms'];
  closing.add('the gRPC door', () => grpc.close(timeoutMs));
  for (const listener of config.listeners) {
    const door = await KafkaDoor.open({
      network: nodeTcp,
      listener,
      services,
      registry,
      onForeignConnection: (connection) => grpc.takeConnection(connection),
    });
    kafkaPorts.set(listener.name, door.port);
    closing.add(`the Kafka listener ${listener.name}`, () => door.close(timeoutMs));
  }
  return { kafkaPorts, grpcPort, grpc };
}

function topicDefaults(config: BrokerConfig): TopicDefaults {
  return {
    partitions: config['num.partitions'],
    replicationFactor: config['default.replication.factor'],
    minInsyncReplicas: config['min.insync.replicas'],
    uncleanLeaderElection: config['unclean.leader.election.enable'],
  };
}

/** Changes with each boot of the kernel; empty where there is none, which proves nothing. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw toOttlaError(error);
  }
}

function localHost(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}
