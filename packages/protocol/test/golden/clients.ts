import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';

/** What each client is driven with. */
export interface Options {
  /** The recording proxy. */
  readonly bootstrap: string;
  /** Apache Kafka's jars, as java's `-cp` takes them. */
  readonly classpath: string;
  /** A Python that has confluent-kafka. */
  readonly python: string;
}

/** Clients that others wrote, by the name and version that the fixtures carry. */
export const clients: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  'librdkafka-2.0.2': driveKcat,
  'librdkafka-2.16.0': drivePython,
  'kafkajs-2.2.4': driveKafkajs,
  'platformatic-2.12.1': drivePlatformatic,
  'java-4.1.0': driveJava,
};

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Runs a program to its end, with `input` as its standard input, for at most `limitMs`. */
function run(program: string, args: string[], input = '', limitMs = 60_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGTERM'), limitMs);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    child.stdin.end(input);
  });
}

/** Compresses well, so that every codec keeps what it made. */
function line(codec: string, separator: string): string {
  return `${codec}${separator}${'a value that repeats, '.repeat(8)}\n`.repeat(3);
}

async function driveKcat({ bootstrap }: Options): Promise<void> {
  const topic = 'golden-kcat';
  const kcat = (args: string[], input?: string, limitMs?: number) =>
    run('kcat', ['-b', bootstrap, '-X', 'client.id=kcat', ...args], input, limitMs);
  const produce = (args: string[], input: string) => kcat(['-P', '-t', topic, '-p', '0', ...args], input);
  const consumeInGroup = (args: string[], limitMs?: number) =>
    kcat(['-G', 'golden-kcat-group', '-X', 'auto.offset.reset=earliest', '-q', ...args, topic], '', limitMs);
  for (const codec of CODECS) await produce(['-z', codec, '-H', 'origin=kcat', '-K:'], line(codec, ':'));
  await produce(['-X', 'enable.idempotence=true', '-X', 'acks=all', '-K:'], 'first:1\nsecond:2\n');
  await produce(['-X', 'acks=0'], 'unacknowledged\n');
  await kcat(['-L']);
  await kcat(['-Q', '-t', `${topic}:0:-1`]);
  await kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']);
  await consumeInGroup(['-e']);
  await consumeInGroup(['-X', 'group.instance.id=fixed'], 5_000);
}

async function drivePython({ bootstrap, python }: Options): Promise<void> {
  await run(python, ['packages/protocol/test/golden/librdkafka.py', bootstrap]);
}

async function driveKafkajs({ bootstrap }: Options): Promise<void> {
  registerSnappy();
  const kafka = new Kafka({ clientId: 'kafkajs', brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const topic = 'golden-kafkajs';
  const groupId = 'golden-kafkajs-group';
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'retention.ms', value: '60000' }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.Snappy]) {
    const message = { key: 'k', value: 'grüße '.repeat(30), headers: { origin: 'kafkajs' } };
    await producer.send({ topic, compression, messages: [message] });
  }
  await producer.disconnect();
  await consumeWithKafkajs(kafka, groupId, topic, 3);
  await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.fetchTopicOffsets(topic);
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] };
  await admin.describeConfigs({ includeSynonyms: true, resources: [resource] });
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] });
  await admin.listPartitionReassignments({});
  await admin.describeCluster();
  await admin.listGroups();
  await admin.describeGroups([groupId]);
  await admin.deleteGroups([groupId]);
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
}

async function consumeWithKafkajs(kafka: Kafka, groupId: string, topic: string, count: number): Promise<void> {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 100, maxWaitTimeInMs: 500 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let seen = 0;
  let heartbeats = 0;
  await new Promise<void>((resolve, reject) => {
    const check = () => {
      if (seen >= count && heartbeats >= 1) resolve();
    };
    consumer.on('consumer.heartbeat', () => {
      heartbeats++;
      check();
    });
    const eachMessage = async () => {
      seen++;
      check();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
}

function registerSnappy(): void {
  type Codec = (data: Buffer) => Promise<Buffer>;
  const snappy = require('snappy') as { compress: Codec; uncompress: Codec };
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: (encoder: { buffer: Buffer }) => snappy.compress(encoder.buffer),
    decompress: (buffer: Buffer) => snappy.uncompress(buffer),
  });
}

async function drivePlatformatic({ bootstrap }: Options): Promise<void> {
  const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = await import('@platformatic/kafka');
  const topic = 'golden-platformatic';
  const groupId = 'golden-platformatic-group';
  const common = { clientId: 'platformatic', bootstrapBrokers: [bootstrap] };
  const admin = new Admin(common);
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  await admin.createPartitions({ topics: [{ name: topic, count: 2, assignments: [{ brokerIds: [1] }] }] });
  const producer = new Producer({ ...common, serializers: stringSerializers, idempotent: true });
  for (const compression of ['none', 'gzip', 'snappy', 'lz4'] as const) {
    const value = 'a value that repeats, '.repeat(8);
    await producer.send({ compression, messages: [{ topic, partition: 0, key: compression, value }] });
  }
  await producer.close();
  const consumer = new Consumer({ ...common, groupId, deserializers: stringDeserializers, heartbeatInterval: 100 });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true });
  let seen = 0;
  for await (const _ of stream) if (++seen === 4) break;
  await consumer.close(true);
  await admin.listGroups();
  await admin.describeGroups({ groups: [groupId] });
  await admin.deleteGroups({ groups: [groupId] });
  await admin.deleteTopics({ topics: [topic] });
  await admin.close();
}

type Tool = (main: string, args: string[]) => Promise<void>;

async function administerWithJava(topic: string, tool: Tool): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  const file = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const partitions = [{ topic, partition: 0 }];
  const offsets = file('offsets.json', { version: 1, partitions: [{ topic, partition: 0, offset: 1 }] });
  const moves = file('moves.json', { version: 1, partitions: [{ topic, partition: 0, replicas: [1] }] });
  const elections = file('elections.json', { partitions });
  const alter = ['--alter', '--entity-type', 'topics', '--entity-name', topic];
  const electionFlags = ['--election-type', 'preferred', '--path-to-json-file', elections];
  await tool('kafka.admin.ConfigCommand', [...alter, '--add-config', 'segment.ms=60000,flush.ms=1000']);
  await tool('kafka.admin.ConfigCommand', [...alter, '--delete-config', 'flush.ms']);
  await tool('org.apache.kafka.tools.DeleteRecordsCommand', ['--offset-json-file', offsets]);
  await tool('org.apache.kafka.tools.LogDirsCommand', ['--describe', '--topic-list', topic]);
  const producers = ['describe-producers', '--topic', topic, '--partition', '0'];
  await tool('org.apache.kafka.tools.TransactionsCommand', producers);
  await tool('org.apache.kafka.tools.LeaderElectionCommand', electionFlags);
  await tool('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', [
    ...['--reassignment-json-file', moves, '--execute'],
  ]);
  await tool('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', ['--list']);
  rmSync(folder, { recursive: true });
}

async function driveJava({ bootstrap, classpath }: Options): Promise<void> {
  const topic = 'golden-java';
  const jvm = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classpath];
  const tool = (main: string, args: string[], input?: string, limitMs?: number) =>
    run('java', [...jvm, main, '--bootstrap-server', bootstrap, ...args], input, limitMs);
  const topics = (...args: string[]) => tool('org.apache.kafka.tools.TopicCommand', [...args, '--topic', topic]);
  const groups = (...args: string[]) => tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', args);
  const group = ['--group', 'golden-java-group'];
  const consume = (...args: string[]) =>
    tool('org.apache.kafka.tools.consumer.ConsoleConsumer', ['--topic', topic, ...group, ...args]);
  await topics('--create', '--partitions', '1', '--config', 'retention.ms=60000');
  await topics('--alter', '--partitions', '2');
  await topics('--describe');
  for (const codec of CODECS) {
    const args = ['--topic', topic, '--compression-codec', codec, '--property', 'parse.key=true'];
    await tool('org.apache.kafka.tools.ConsoleProducer', args, line(codec, '\t'));
  }
  await consume('--from-beginning', '--max-messages', '3');
  const instance = ['--consumer-property', 'group.instance.id=fixed', '--isolation-level', 'read_committed'];
  await consume(...instance, '--timeout-ms', '5000');
  await tool('org.apache.kafka.tools.GetOffsetShell', ['--topic', topic, '--time', 'max-timestamp']);
  await tool('kafka.admin.ConfigCommand', ['--describe', '--entity-type', 'topics', '--entity-name', topic]);
  await administerWithJava(topic, tool);
  await run('java', [...jvm, 'org.apache.kafka.tools.ClusterTool', 'list-endpoints', '--bootstrap-server', bootstrap]);
  await groups('--list', '--state');
  await groups('--describe', ...group, '--members', '--verbose');
  await groups('--delete', ...group);
  await topics('--delete');
}
