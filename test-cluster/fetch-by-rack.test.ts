import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Kafka, logLevel } from 'kafkajs';
import { RunningCluster } from './harness/cluster';
import { kcat } from './harness/kcat';
import { librdkafkaPython } from './harness/librdkafka';
import { describeWith, type Started, scratchDir, start } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(120_000);

const TOPIC = 'racked';
const RACKS = ['a', 'b', 'c'];
const SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

let scratch: ReturnType<typeof scratchDir>;
let cluster: RunningCluster;

/** Each broker in a rack of its own, as its owner would write into its config file. */
beforeAll(async () => {
  scratch = scratchDir('racks');
  for (const [index, rack] of RACKS.entries()) {
    const dir = join(scratch.path, `broker-${index + 1}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ 'broker.rack': rack }));
  }
  const args = ['--set', `replica.selector.class=${SELECTOR}`, '--set', 'replica.lag.time.max.ms=2000'];
  cluster = await RunningCluster.start({ brokers: 3, dataDir: scratch.path, args });
});

afterAll(async () => {
  await cluster?.stop();
  scratch?.remove();
});

const lines = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, n) => `${from + n}\n`).join(''));

const produce = (from: number, count: number): Buffer =>
  kcat(cluster.bootstrap, ['-P', '-t', TOPIC, '-p', '0', '-X', 'acks=all'], lines(from, count));

/** Prints the values of partition 0 from its beginning; what librdkafka says of its fetches goes to standard error. */
const CONSUMER = `
import json, sys
from confluent_kafka import Consumer, TopicPartition
config = {**json.loads(sys.argv[1]), "group.id": "none", "enable.auto.commit": False, "fetch.wait.max.ms": 200}
consumer = Consumer(config)
consumer.assign([TopicPartition(sys.argv[2], 0, 0)])
while True:
    message = consumer.poll(1)
    if message is not None and message.error() is None:
        print(message.value().decode())
`;

function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop()!;
    parts.forEach(take);
  });
}

describeWith(['kcat', 'python3'], 'apt-get install kcat python3-venv')(
  'a consumer that names its rack (librdkafka)',
  () => {
    let consumer: Started;
    let leader: number;
    let follower: number;
    let replicas: number[];
    const received: string[] = [];
    /** Brokers that fetches went to, by librdkafka's own account. */
    const fetchedFrom: number[] = [];

    beforeAll(() => {
      cluster.run('topics', 'create', TOPIC, '--partitions', '1', '--replication-factor', '3');
      const described = cluster.describeTopic(TOPIC).partitions[0]!;
      leader = described.leader!;
      replicas = described.replicas;
      follower = replicas.find((broker) => broker !== leader)!;
      produce(0, 100);
      const config = { 'bootstrap.servers': cluster.bootstrap, 'client.rack': RACKS[follower - 1], debug: 'fetch' };
      consumer = start(librdkafkaPython(), ['-u', '-c', CONSUMER, JSON.stringify(config), TOPIC]);
      onLines(consumer.child.stdout!, (line) => received.push(line));
      onLines(consumer.child.stderr!, (line) => {
        const broker = /\/(\d+): Fetch topic racked /.exec(line)?.[1];
        if (broker !== undefined) fetchedFrom.push(Number(broker));
      });
    });

    afterAll(() => consumer?.stop('SIGKILL'));

    const readsFrom = (broker: number): boolean =>
      fetchedFrom.length >= 3 && fetchedFrom.slice(-3).every((one) => one === broker);
    const expected = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

    it('reads everything, and from the replica in its rack', async () => {
      await waitFor('the first hundred records', () => received.length >= 100, 20_000);
      expect(received).toEqual(expected(100));
      await waitFor('fetches from the follower', () => readsFrom(follower), 20_000);
      produce(100, 100);
      await waitFor('the next hundred records', () => received.length >= 200, 20_000);
      expect(received).toEqual(expected(200));
      expect(readsFrom(follower)).toBe(true);
    });

    it('goes back to the leader when that replica is taken away, and loses and repeats nothing', async () => {
      await assign(replicas.filter((broker) => broker !== follower));
      produce(200, 100);
      await waitFor('the records by way of the leader', () => received.length >= 300, 30_000);
      expect(received).toEqual(expected(300));
      await waitFor('fetches from the leader', () => readsFrom(leader), 20_000);
    });

    it('reads from that replica again once it is there and in sync', async () => {
      await assign([...replicas.filter((broker) => broker !== follower), follower]);
      produce(300, 10);
      await waitFor('the records', () => received.length >= 310, 30_000);
      await waitFor('fetches from the follower', () => readsFrom(follower), 30_000);
      expect(received).toEqual(expected(310));
    });
  },
);

/** Gives the partition these replicas, and waits until they are in sync and nothing is left to do. */
async function assign(replicas: number[]): Promise<void> {
  const admin = new Kafka({ brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.alterPartitionReassignments({
      topics: [{ topic: TOPIC, partitionAssignment: [{ partition: 0, replicas }] }],
    });
  } finally {
    await admin.disconnect();
  }
  const wanted = [...replicas].sort();
  const isDone = (): boolean => {
    const { replicas: assigned, isr } = cluster.describeTopic(TOPIC).partitions[0]!;
    return [assigned, isr].every((brokers) => String([...brokers].sort()) === String(wanted));
  };
  await waitFor(`replicas ${wanted} to be assigned and in sync`, isDone, 30_000, 100);
}
