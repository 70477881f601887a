import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { RunningCluster } from './harness/cluster';
import { waitFor } from './harness/wait';

jest.setTimeout(180_000);

const TOPIC = 'shared';
const PARTITIONS = 6;
const FAST_RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 };

interface Member {
  consumer: Consumer;
  assigned: number[];
  values: string[];
}

let cluster: RunningCluster;
let kafka: Kafka;
let members: Member[];

beforeAll(async () => {
  cluster = await RunningCluster.start();
  const brokers = cluster.brokerAddresses;
  kafka = new Kafka({ clientId: 'groups', brokers, logLevel: logLevel.NOTHING, retry: FAST_RETRY });
});

afterAll(() => cluster?.stop());

beforeEach(() => {
  members = [];
});

afterEach(async () => {
  await Promise.all(members.map((member) => member.consumer.disconnect().catch(() => {})));
});

async function join(groupId: string, topic: string): Promise<Member> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 500, retry: FAST_RETRY });
  const member: Member = { consumer, assigned: [], values: [] };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = payload.memberAssignment[topic] ?? [];
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: async ({ message }) => {
      member.values.push(message.value!.toString());
    },
  });
  members.push(member);
  return member;
}

async function produce(topic: string, from: number, to: number): Promise<void> {
  const producer = kafka.producer({ retry: FAST_RETRY });
  await producer.connect();
  const messages = Array.from({ length: to - from }, (_, index) => ({
    partition: (from + index) % PARTITIONS,
    value: String(from + index),
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

const createTopic = (name: string): string =>
  cluster.run('topics', 'create', name, '--partitions', String(PARTITIONS), '--replication-factor', '3');

function sharesAll(group: readonly Member[]): boolean {
  const shares = group.map((member) => member.assigned);
  const all = shares.flat().sort((a, b) => a - b);
  return shares.every((share) => share.length > 0) && all.join() === '0,1,2,3,4,5';
}

const valuesOf = (group: readonly Member[]): Set<string> => new Set(group.flatMap((member) => member.values));

describe('consumer groups of kafkajs', () => {
  it('three members share six partitions exclusively, and two take over when one dies', async () => {
    createTopic(TOPIC);
    const group = [await join('sharing', TOPIC), await join('sharing', TOPIC), await join('sharing', TOPIC)];
    await waitFor('three members to share all partitions', () => sharesAll(group), 60_000);
    await produce(TOPIC, 0, 600);
    await waitFor('600 records to be consumed', () => valuesOf(group).size === 600, 30_000);

    await group[0]!.consumer.disconnect();
    await waitFor('two members to share all partitions', () => sharesAll(group.slice(1)), 60_000);
    await produce(TOPIC, 600, 1200);
    await waitFor('1200 records to be consumed', () => valuesOf(group).size === 1200, 30_000);
  });

  it('each of two groups gets everything', async () => {
    const topic = 'twice';
    createTopic(topic);
    await produce(topic, 0, 300);
    const [first, second] = [await join('first', topic), await join('second', topic)];
    await waitFor(
      'both groups to have everything',
      () => first.values.length >= 300 && second.values.length >= 300,
      60_000,
    );
    expect(new Set(first.values).size).toBe(300);
    expect(new Set(second.values).size).toBe(300);
  });

  it('committed offsets survive the death of their coordinator', async () => {
    const topic = 'committed';
    const groupId = 'survivors';
    createTopic(topic);
    await produce(topic, 0, 300);
    const before = await join(groupId, topic);
    await waitFor('300 records to be consumed', () => before.values.length >= 300, 60_000);
    await before.consumer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    const committed = await admin.fetchOffsets({ groupId, topics: [topic] });

    const victim = cluster.coordinatorOf(groupId);
    await cluster.kill(victim);
    const after = await waitFor('the offsets from another coordinator', () =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    );
    expect(after).toEqual(committed);

    await produce(topic, 300, 360);
    const rejoined = await join(groupId, topic);
    await waitFor('the 60 new records', () => rejoined.values.length >= 60, 60_000);
    expect(new Set(rejoined.values)).toEqual(new Set(Array.from({ length: 60 }, (_, index) => String(300 + index))));
    await admin.disconnect();
    await cluster.restart(victim);
  });
});
