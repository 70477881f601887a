import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { RunningCluster } from './harness/cluster';
import { KAFKA_INSTALL, KAFKA_NEEDS, runKafkaTool } from './harness/kafka-tools';
import { describeWith, scratchDir } from './harness/processes';
import { readAll } from './harness/read-back';
import { SequenceProducer } from './harness/sequence-producer';
import { waitFor } from './harness/wait';

jest.setTimeout(300_000);

const MAX_GAP_MS = 3_000;

let scratch: ReturnType<typeof scratchDir>;
let cluster: RunningCluster;
let admin: Admin;

beforeAll(async () => {
  scratch = scratchDir('reassign');
  cluster = await RunningCluster.start({ brokers: 4 });
  const kafka = new Kafka({ clientId: 'admin', brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
});

afterAll(async () => {
  await admin?.disconnect();
  await cluster?.stop();
  scratch?.remove();
});

async function createTopic(topic: string, ...assignments: number[][]): Promise<void> {
  const replicaAssignment = assignments.map((replicas, partition) => ({ partition, replicas }));
  await admin.createTopics({ topics: [{ topic, replicaAssignment }] });
}

function assignmentOf(topic: string, partition = 0) {
  const { replicas, isr, leader } = cluster.describeTopic(topic).partitions[partition]!;
  return { replicas, isr: [...isr].sort(), leader };
}

const holders = (folder: string): number[] =>
  cluster.file.brokers.filter(({ dataDir }) => readdirSync(dataDir).includes(folder)).map(({ id }) => id);

async function noneUnderWay(): Promise<void> {
  await waitFor('all reassignments to complete', async () => {
    const { topics } = await admin.listPartitionReassignments({});
    return topics.length === 0;
  });
}

function reassign(topic: string, replicas: number[]): Promise<unknown> {
  return admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition: 0, replicas }] }] });
}

function longestGap({ acknowledged }: SequenceProducer): number {
  return Math.max(...acknowledged.slice(1).map(({ at }, index) => at - acknowledged[index]!.at));
}

describe('reassigning a partition under load', () => {
  it('to other brokers, and on to others again: no record lost, none twice, and only those asked for hold it', async () => {
    await createTopic('moved', [1, 2]);
    const producer = new SequenceProducer(cluster.brokerAddresses, 'moved');
    await producer.start();
    try {
      await waitFor('fifty acknowledgements', () => producer.acknowledged.length >= 50);
      for (const target of [[3, 4], [1, 3], [2, 4, 1], [4], [2, 1]]) {
        await reassign('moved', target);
        await noneUnderWay();
        const { replicas, isr } = assignmentOf('moved');
        expect([replicas, isr]).toEqual([target, [...target].sort()]);
        const since = performance.now();
        await waitFor('more acknowledgements', () => producer.firstAfter(since));
      }
    } finally {
      await producer.stop();
    }
    const values = await readAll(cluster.brokerAddresses, 'moved');
    expect(values).toEqual(producer.acknowledged.map(({ sequence }) => String(sequence)));
    await waitFor('the folders of the others to be gone', () => holders('moved-0').join() === '1,2');
    expect(longestGap(producer)).toBeLessThan(MAX_GAP_MS);
  });

  it('while the broker that leaves is away: it deletes its folder when it is back', async () => {
    await createTopic('left', [1, 2]);
    await cluster.kill(2);
    await waitFor('broker 2 to be out of the ISR', () => assignmentOf('left').isr.join() === '1');
    await reassign('left', [1, 3]);
    await noneUnderWay();
    expect(holders('left-0')).toEqual([1, 2, 3]);
    await cluster.restart(2);
    await waitFor('broker 2 to delete its folder', () => holders('left-0').join() === '1,3');
  });

  it('throttled, then cancelled with the ottla command: it is as before', async () => {
    await createTopic('kept', [1, 2]);
    const kafka = new Kafka({ brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    for (let n = 0; n < 5; n++) {
      const messages = Array.from({ length: 100 }, () => ({ value: 'x'.repeat(4_000) }));
      await producer.send({ topic: 'kept', acks: -1, messages });
    }
    await producer.disconnect();
    cluster.run('reassign', 'start', 'kept', '--to', '4,3', '--throttle', '50000');
    const status = JSON.parse(cluster.run('reassign', 'status', 'kept', '--json'));
    expect(status).toMatchObject([{ replicas: [4, 3, 1, 2], adding: [4, 3], removing: [1, 2], leader: 1 }]);
    for (const { inSync, percent } of status[0].added) expect([inSync, percent < 100]).toEqual([false, true]);
    cluster.run('reassign', 'cancel', 'kept');
    cluster.run('reassign', 'unthrottle');
    expect(assignmentOf('kept').replicas).toEqual([1, 2]);
    await waitFor('the folders of the others to be gone', () => holders('kept-0').join() === '1,2');
    expect(await readAll(cluster.brokerAddresses, 'kept')).toHaveLength(500);
  });

  it('a plan of the ottla command is even, and leaderships are as planned once they are elected', async () => {
    await createTopic('uneven', [1, 2], [1, 2], [1, 2], [1, 2]);
    const plan = join(scratch.path, 'plan.json');
    cluster.run('reassign', 'plan', 'uneven', '--out', plan);
    cluster.run('reassign', 'start', '--plan', plan);
    cluster.run('reassign', 'status', '--wait');
    cluster.run('elect', 'uneven');
    const { partitions } = cluster.describeTopic('uneven');
    expect(partitions.flatMap(({ replicas }) => replicas).sort()).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect(partitions.map(({ leader }) => leader).sort()).toEqual([1, 2, 3, 4]);
    expect(partitions.map(({ leader }) => leader)).toEqual(partitions.map(({ replicas }) => replicas[0]));
  });
});

describeWith([...KAFKA_NEEDS], KAFKA_INSTALL)("Apache Kafka's own tools", () => {
  const bootstrap = (): string[] => ['--bootstrap-server', cluster.bootstrap];
  const reassignTool = (...args: string[]): string =>
    runKafkaTool('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', [...bootstrap(), ...args]).stdout;

  function planFile(replicas: number[]): string {
    const path = join(scratch.path, 'tool.json');
    writeFileSync(path, JSON.stringify({ version: 1, partitions: [{ topic: 'tools', partition: 0, replicas }] }));
    return path;
  }

  it('kafka-reassign-partitions executes with a throttle, lists, verifies and ends the throttle', async () => {
    await createTopic('tools', [1, 2]);
    const plan = planFile([3, 2]);
    expect(reassignTool('--execute', '--reassignment-json-file', plan, '--throttle', '50000000')).toMatch(
      /Successfully started partition reassignment for tools-0/,
    );
    await noneUnderWay();
    expect(reassignTool('--list')).toMatch(/No partition reassignments found/);
    const verified = reassignTool('--verify', '--reassignment-json-file', plan);
    expect(verified).toMatch(/Reassignment of partition tools-0 is completed/);
    expect(verified).toMatch(/Clearing topic-level throttles on topic tools/);
    expect(assignmentOf('tools')).toMatchObject({ replicas: [3, 2], isr: [2, 3] });
    const configs = JSON.parse(cluster.run('configs', 'describe', '--topic', 'tools', '--json')) as { name: string }[];
    expect(configs.filter(({ name }) => name.includes('throttled'))).toEqual([]);
  });

  it('kafka-reassign-partitions cancels', async () => {
    await cluster.kill(4);
    await waitFor('broker 4 to be away', () => !cluster.run('cluster', 'describe').includes(cluster.broker(4).kafka));
    await cluster.restart(4);
    const plan = planFile([4, 3]);
    const slow = ['--throttle', '1'];
    const kafka = new Kafka({ brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'tools', acks: -1, messages: [{ value: 'x'.repeat(500_000) }, { value: 'y' }] });
    await producer.send({ topic: 'tools', acks: -1, messages: [{ value: 'z'.repeat(500_000) }] });
    await producer.disconnect();
    reassignTool('--execute', '--reassignment-json-file', plan, ...slow);
    expect(reassignTool('--list')).toMatch(/tools-0: replicas: 4,3,2\. adding: 4\. removing: 2/);
    expect(reassignTool('--cancel', '--reassignment-json-file', plan)).toMatch(/Successfully cancelled/);
    expect(assignmentOf('tools').replicas).toEqual([3, 2]);
  });

  it('kafka-leader-election hands the leadership back to the preferred leader', async () => {
    await cluster.kill(3);
    await waitFor('another leader', () => assignmentOf('tools').leader === 2);
    await cluster.restart(3);
    await waitFor('broker 3 to be in sync', () => assignmentOf('tools').isr.includes(3));
    const elect = ['--election-type', 'preferred', '--topic', 'tools', '--partition', '0'];
    const { stdout } = runKafkaTool('org.apache.kafka.tools.LeaderElectionCommand', [...bootstrap(), ...elect]);
    expect(stdout).toMatch(/Successfully completed leader election \(PREFERRED\) for partitions tools-0/);
    expect(assignmentOf('tools').leader).toBe(3);
  });
});
