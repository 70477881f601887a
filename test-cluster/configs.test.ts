import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { RunningCluster } from './harness/cluster';
import { KAFKA_INSTALL, KAFKA_NEEDS, runKafkaTool } from './harness/kafka-tools';
import { kcat } from './harness/kcat';
import { describeWith, scratchDir } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(300_000);

let scratch: ReturnType<typeof scratchDir>;
let cluster: RunningCluster;

beforeAll(async () => {
  scratch = scratchDir('configs');
  cluster = await RunningCluster.start({ brokers: 3 });
});

afterAll(async () => {
  await cluster?.stop();
  scratch?.remove();
});

function createTopic(name: string, ...configs: string[]): void {
  const flags = configs.flatMap((config) => ['--config', config]);
  cluster.run('topics', 'create', name, '--partitions', '1', '--replication-factor', '3', ...flags);
}

const produce = (topic: string, input: string, ...flags: string[]): Buffer =>
  kcat(cluster.bootstrap, ['-P', '-t', topic, '-p', '0', ...flags], Buffer.from(input));

/** What kcat complains of when it is refused. */
function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

function segmentsOf(broker: number, topic: string): string[] {
  return readdirSync(join(cluster.broker(broker).dataDir, `${topic}-0`)).filter((name) => name.endsWith('.log'));
}

const tool = (mainClass: string, ...args: string[]): string =>
  runKafkaTool(mainClass, ['--bootstrap-server', cluster.bootstrap, ...args]).stdout;

const kafkaConfigs = (...args: string[]): string => tool('kafka.admin.ConfigCommand', ...args);

describeWith(['kcat', ...KAFKA_NEEDS], `apt-get install kcat; ${KAFKA_INSTALL}`)(
  "with Apache Kafka's own tools",
  () => {
    it('kafka-configs: a topic is altered, and its leader acts by it at once', async () => {
      createTopic('altered');
      produce('altered', `${'x'.repeat(2000)}\n`);
      const entity = ['--entity-type', 'topics', '--entity-name', 'altered'];
      kafkaConfigs(
        '--alter',
        ...entity,
        '--add-config',
        'max.message.bytes=1000,segment.bytes=1024,cleanup.policy=[delete]',
      );
      await waitFor('a large batch to be refused', () =>
        /too large|MSG_SIZE/i.test(refusalOf(() => produce('altered', `${'x'.repeat(2000)}\n`))),
      );
      for (let n = 0; n < 6; n++) produce('altered', `${'y'.repeat(600)}\n`);
      for (const broker of [1, 2, 3]) {
        await waitFor(`broker ${broker} to roll segments`, () => segmentsOf(broker, 'altered').length >= 4);
      }
      const described = kafkaConfigs('--describe', ...entity);
      expect(described).toContain('max.message.bytes=1000');
      expect(described).toContain('DEFAULT_CONFIG:message.max.bytes=1048588');
      kafkaConfigs('--alter', ...entity, '--delete-config', 'max.message.bytes,segment.bytes,cleanup.policy');
      await waitFor('a large batch to be taken', () => {
        try {
          return produce('altered', `${'x'.repeat(2000)}\n`);
        } catch {
          return null;
        }
      });
      expect(kafkaConfigs('--describe', ...entity)).not.toContain('segment.bytes=1024');
    });

    it('kafka-configs: settings of one broker go before those of all, and read-only ones are refused with words', () => {
      const all = ['--entity-type', 'brokers', '--entity-default'];
      const one = ['--entity-type', 'brokers', '--entity-name', '2'];
      kafkaConfigs('--alter', ...all, '--add-config', 'log.segment.bytes=1000000');
      kafkaConfigs('--alter', ...one, '--add-config', 'log.segment.bytes=2000000');
      expect(kafkaConfigs('--describe', ...one)).toContain(
        'DYNAMIC_BROKER_CONFIG:log.segment.bytes=2000000, DYNAMIC_DEFAULT_BROKER_CONFIG:log.segment.bytes=1000000, DEFAULT_CONFIG:log.segment.bytes=1073741824',
      );
      expect(refusalOf(() => kafkaConfigs('--alter', ...one, '--add-config', 'num.partitions=3'))).toContain(
        "num.partitions can't be changed while the broker runs",
      );
      kafkaConfigs('--alter', ...one, '--delete-config', 'log.segment.bytes');
      expect(kafkaConfigs('--describe', '--all', ...one)).toMatch(
        /log\.segment\.bytes=1000000 .*\{DYNAMIC_DEFAULT_BROKER_CONFIG/,
      );
      kafkaConfigs('--alter', ...all, '--delete-config', 'log.segment.bytes');
    });

    it('kafka-delete-records: what lies before is gone for every consumer, and its segments for every broker', async () => {
      createTopic('deleted', 'segment.bytes=1024');
      for (let n = 0; n < 10; n++) produce('deleted', `${n}${'z'.repeat(600)}\n`);
      const before = segmentsOf(1, 'deleted').length;
      const file = join(scratch.path, 'offsets.json');
      writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: 'deleted', partition: 0, offset: 7 }] }));
      expect(tool('org.apache.kafka.tools.DeleteRecordsCommand', '--offset-json-file', file)).toMatch(
        /low_watermark: 7/,
      );
      const read = kcat(cluster.bootstrap, ['-C', '-t', 'deleted', '-o', 'beginning', '-e', '-q', '-f', '%o ']);
      expect(read.toString('utf8').trim()).toBe('7 8 9');
      expect(segmentsOf(1, 'deleted').length).toBeLessThan(before);
      const { leader } = cluster.describeTopic('deleted').partitions[0]!;
      await cluster.kill(leader!);
      const again = await waitFor('another leader', () => {
        const { leader: next } = cluster.describeTopic('deleted').partitions[0]!;
        return next !== null && next !== leader ? next : null;
      });
      expect(again).not.toBe(leader);
      const reread = kcat(cluster.bootstrap, ['-C', '-t', 'deleted', '-o', 'beginning', '-e', '-q', '-f', '%o ']);
      expect(reread.toString('utf8').trim()).toBe('7 8 9');
      await cluster.restart(leader!);
    });

    it('kafka-log-dirs: sizes of logs, and of the volume', () => {
      createTopic('sized');
      produce('sized', `${'x'.repeat(5000)}\n`);
      const lines = tool('org.apache.kafka.tools.LogDirsCommand', '--describe', '--topic-list', 'sized').split('\n');
      const { brokers } = JSON.parse(lines.find((line) => line.startsWith('{'))!);
      expect(brokers).toHaveLength(3);
      for (const { broker, logDirs } of brokers) {
        expect(logDirs).toEqual([
          {
            error: null,
            logDir: cluster.broker(broker).dataDir,
            partitions: [{ partition: 'sized-0', size: expect.any(Number), offsetLag: 0, isFuture: false }],
          },
        ]);
      }
      const { leader } = cluster.describeTopic('sized').partitions[0]!;
      const led = brokers.find(({ broker }: { broker: number }) => broker === leader);
      expect(led.logDirs[0].partitions[0].size).toBeGreaterThan(5000);
    });

    it('kafka-transactions describe-producers: an idempotent producer, on the leader', () => {
      createTopic('produced');
      produce('produced', 'a\nb\nc\n', '-X', 'enable.idempotence=true', '-X', 'acks=all');
      const shown = tool(
        'org.apache.kafka.tools.TransactionsCommand',
        'describe-producers',
        '--topic',
        'produced',
        '--partition',
        '0',
      );
      expect(shown.trimEnd().split('\n')).toHaveLength(2);
      expect(shown).toMatch(/\n\d+\s+0\s+-1\s+2\s+\d+\s+None/);
    });

    it('kafka-topics --describe: eligible leader replicas, page by page', () => {
      for (const name of ['paged-a', 'paged-b']) createTopic(name, 'min.insync.replicas=2');
      const shown = tool(
        'org.apache.kafka.tools.TopicCommand',
        '--describe',
        '--topic',
        'paged-.*',
        '--partition-size-limit-per-response',
        '1',
      );
      expect(
        shown.match(/Topic: paged-[ab]\s+Partition: 0\s+Leader: \d\s+.*Isr: \S+\s+Elr: \s*LastKnownElr:/g),
      ).toHaveLength(2);
      expect(shown).toContain('Configs: min.insync.replicas=2');
    });
  },
);

describe('the ottla command', () => {
  const json = (...args: string[]) => JSON.parse(cluster.run(...args, '--json'));

  it('configs alter and describe: what is set, where it is from, and what is refused', () => {
    createTopic('commanded');
    const topic = ['--topic', 'commanded'];
    cluster.run('configs', 'alter', ...topic, '--set', 'segment.bytes=2048', '--append', 'cleanup.policy=compact');
    expect(json('configs', 'describe', ...topic)).toMatchObject([
      { name: 'cleanup.policy', value: 'delete,compact', source: 'topic' },
      { name: 'segment.bytes', value: '2048', source: 'topic', synonyms: [{}, { source: 'default' }] },
    ]);
    cluster.run('configs', 'alter', ...topic, '--delete', 'segment.bytes', '--subtract', 'cleanup.policy=compact');
    expect(cluster.run('configs', 'describe', ...topic)).toMatch(
      /^name +value +from +otherwise\ncleanup\.policy +delete +topic/,
    );
    cluster.run('configs', 'alter', '--all-brokers', '--set', 'max.connections=500');
    cluster.run('configs', 'alter', '--broker', '3', '--set', 'max.connections=400');
    expect(json('configs', 'describe', '--broker', '3')).toContainEqual(
      expect.objectContaining({ name: 'max.connections', value: '400', source: 'broker' }),
    );
    expect(json('configs', 'describe', '--all-brokers')).toMatchObject([{ name: 'max.connections', value: '500' }]);
    cluster.run('configs', 'alter', '--broker', '3', '--delete', 'max.connections');
    cluster.run('configs', 'alter', '--all-brokers', '--delete', 'max.connections');
    expect(refusalOf(() => cluster.run('configs', 'alter', '--broker', '1', '--set', 'node.id=7'))).toContain(
      "node.id can't be changed while the broker runs",
    );
  });

  it('log-dirs, producers and delete-records', () => {
    createTopic('looked-at');
    produce('looked-at', 'a\nb\nc\n', '-X', 'enable.idempotence=true');
    const dirs = json('log-dirs', '--topic', 'looked-at');
    expect(dirs).toMatchObject(
      [1, 2, 3].map((broker) => ({ broker, error: null, replicas: [{ topic: 'looked-at' }] })),
    );
    expect(cluster.run('log-dirs', '--broker', '2')).toMatch(/^broker 2 .* usable\nreplica +bytes +lag\n/);
    expect(json('producers', 'looked-at')).toMatchObject([{ partition: 0, producerEpoch: 0, lastSequence: 2 }]);
    expect(cluster.run('delete-records', 'looked-at', '--before', '2')).toBe('looked-at-0 begins at 2 now\n');
    expect(json('delete-records', 'looked-at', '--before', 'end')).toEqual([
      { topic: 'looked-at', partition: 0, lowWatermark: 3 },
    ]);
    expect(refusalOf(() => cluster.run('delete-records', 'looked-at', '--before', '9'))).toContain(
      'up to the high watermark',
    );
  });
});

describe('kafkajs', () => {
  const kafka = (): Kafka =>
    new Kafka({ clientId: 'configs', brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });

  it('replaces all configs of a topic, describes them, and deletes records', async () => {
    createTopic('kafkajs', 'retention.ms=1000', 'segment.ms=2000');
    const admin = kafka().admin();
    await admin.connect();
    try {
      const resource = { type: ConfigResourceTypes.TOPIC, name: 'kafkajs' };
      const configEntries = [{ name: 'segment.ms', value: '3000' }];
      await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
      const values = new Map(resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]));
      expect([values.get('segment.ms'), values.get('retention.ms')]).toEqual(['3000', '604800000']);
      const wrong = [{ name: 'segment.ms', value: 'soon' }];
      await expect(
        admin.alterConfigs({ validateOnly: true, resources: [{ ...resource, configEntries: wrong }] }),
      ).rejects.toMatchObject({ type: 'INVALID_CONFIG' });
      const producer = kafka().producer();
      await producer.connect();
      await producer.send({ topic: 'kafkajs', messages: ['a', 'b', 'c'].map((value) => ({ value })) });
      await producer.disconnect();
      await admin.deleteTopicRecords({ topic: 'kafkajs', partitions: [{ partition: 0, offset: '2' }] });
      expect(await admin.fetchTopicOffsets('kafkajs')).toMatchObject([{ low: '2', high: '3' }]);
    } finally {
      await admin.disconnect();
    }
  });

  it('min.insync.replicas raised while a follower is away: acks=all is refused from then on', async () => {
    createTopic('minimum');
    createTopic('eligible', 'min.insync.replicas=3');
    const { leader } = cluster.describeTopic('minimum').partitions[0]!;
    const away = [1, 2, 3].filter((broker) => broker !== leader);
    for (const broker of away) await cluster.kill(broker);
    await waitFor('the leader to be alone', () => cluster.describeTopic('minimum').partitions[0]!.isr.length === 1);
    expect(cluster.run('topics', 'describe', 'minimum')).not.toContain('ELR');
    const eligible = await waitFor('eligible leaders beside the ISR', () => {
      const shown = cluster.run('topics', 'describe', 'eligible');
      return shown.match(/offline, eligible/g)?.length === 2 ? shown : null;
    });
    expect(eligible).toContain('ELR');
    const producer = kafka().producer({ retry: { retries: 0 } });
    const admin = kafka().admin();
    await Promise.all([producer.connect(), admin.connect()]);
    try {
      const send = () => producer.send({ topic: 'minimum', acks: -1, messages: [{ value: 'x' }] });
      await send();
      const resource = { type: ConfigResourceTypes.TOPIC, name: 'minimum' };
      const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
      await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
      await expect(send()).rejects.toThrow(/NOT_ENOUGH_REPLICAS|not enough|fewer/i);
      for (const broker of away) await cluster.restart(broker);
      await waitFor(
        'the others to be back',
        () => cluster.describeTopic('minimum').partitions[0]!.isr.length === 3,
        30_000,
      );
      await send();
    } finally {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    }
  });
});
