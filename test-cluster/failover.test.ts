import { RunningCluster } from './harness/cluster';
import { isAlive } from './harness/processes';
import { readAll } from './harness/read-back';
import { SequenceProducer } from './harness/sequence-producer';
import { waitFor } from './harness/wait';

jest.setTimeout(180_000);

let cluster: RunningCluster;

beforeAll(async () => {
  cluster = await RunningCluster.start();
});
afterAll(() => cluster?.stop());

const partitionOf = (topic: string) => cluster.describeTopic(topic).partitions[0]!;

/** What happens to the leader while an idempotent producer sends; all of it must be there afterwards, once and in order. */
async function underLoad(topic: string, happens: (leader: number, producer: SequenceProducer) => Promise<void>) {
  cluster.run('topics', 'create', topic, '--partitions', '1', '--replication-factor', '3');
  const producer = new SequenceProducer(cluster.brokerAddresses, topic);
  await producer.start();
  try {
    await waitFor('fifty acknowledgements', () => producer.acknowledged.length >= 50);
    const { leader } = partitionOf(topic);
    await happens(leader!, producer);
    const inSync = (): boolean => partitionOf(topic).isr.length === 3;
    await waitFor('every replica to be in sync', inSync, 30_000, 100);
  } finally {
    await producer.stop();
  }
  const sent = producer.acknowledged.map(({ sequence }) => String(sequence));
  const values = await readAll(cluster.brokerAddresses, topic);
  expect(new Set(values).size).toBe(values.length);
  expect(values.slice(0, sent.length)).toEqual(sent);
}

/** Acknowledged again after this moment. */
function goesOn(producer: SequenceProducer, from: number, deadlineMs: number): Promise<unknown> {
  return waitFor('an acknowledgement', () => producer.firstAfter(from), deadlineMs);
}

describe('three brokers under load', () => {
  it('the leader is restarted as planned: it hands over, the producer sees no error, and it returns to the ISR', async () => {
    await underLoad('planned', async (leader, producer) => {
      const pid = cluster.pidOf(leader);
      process.kill(pid, 'SIGTERM');
      await waitFor(`broker ${leader} to be gone`, () => !isAlive(pid));
      expect(partitionOf('planned')).toMatchObject({ leaderEpoch: 1 });
      expect(partitionOf('planned').leader).not.toBe(leader);
      await cluster.restart(leader);
      await goesOn(producer, performance.now(), 10_000);
    });
  });

  it('the leader is stopped and its connections stay: another one leads, and when it goes on it follows', async () => {
    await underLoad('stopped', async (leader, producer) => {
      const pid = cluster.pidOf(leader);
      process.kill(pid, 'SIGSTOP');
      try {
        const isLedByAnother = (): boolean => ![null, leader].includes(partitionOf('stopped').leader);
        await waitFor('another leader', isLedByAnother, 60_000, 200);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      // kafkajs asks a leader that gave no answer again and again, and is now sent to the new one by it.
      await goesOn(producer, performance.now(), 20_000);
    });
  });
});
