import { decodeBatch, type ErrorName, OttlaError, readBatchHeader } from '@ottla/protocol';
import { SeededRandom } from '@ottla/runtime';
import { type ClusterClient, connect } from '../src';
import { FakeCluster, type ProduceFault } from './fake-cluster';
import type { FakeLog } from './fake-log';

const RECORDS = 60;

const beforeAppend =
  (code: ErrorName): ProduceFault =>
  () =>
    Promise.reject(new OttlaError(code, 'refused before the append'));

const afterAppend =
  (code: ErrorName): ProduceFault =>
  async (_entry, append) => {
    append();
    throw new OttlaError(code, 'failed after the append');
  };

const slow: ProduceFault = async (_entry, append) => {
  const produced = append();
  await new Promise(setImmediate);
  return produced;
};

const FAULTS: readonly ProduceFault[] = [
  beforeAppend('NOT_LEADER_OR_FOLLOWER'),
  beforeAppend('NOT_ENOUGH_REPLICAS'),
  beforeAppend('MESSAGE_TOO_LARGE'),
  afterAppend('NOT_ENOUGH_REPLICAS_AFTER_APPEND'),
  afterAppend('REQUEST_TIMED_OUT'),
  slow,
];

function valuesOf(log: FakeLog): number[] {
  return log.batches
    .flatMap(({ bytes }) => decodeBatch(bytes, 0, readBatchHeader(bytes)))
    .map(({ value }) => Number(Buffer.from(value!).toString()));
}

let cluster: FakeCluster;
let client: ClusterClient;

afterEach(async () => {
  client.close();
  await cluster.close();
});

describe('an idempotent producer under random faults', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'seed %d: what is acknowledged is in the log once, at its offset, in order',
    async (seed) => {
      const random = new SeededRandom(seed);
      cluster = await FakeCluster.start(2);
      const [partition] = cluster.createTopic('t');
      client = await connect({ bootstrap: cluster.bootstrap, retryBackoffMs: 1, retryBackoffMaxMs: 4, random });
      const producer = client.producer({ batchSize: 1 + random.below(200), lingerMs: 0, deliveryTimeoutMs: 4_000 });
      const refusals = new Set<string>();
      const outcomes: Promise<{ value: number; offset: number } | null>[] = [];
      for (let value = 0; value < RECORDS; value++) {
        if (random.below(3) === 0) cluster.produceFaults.push(FAULTS[random.below(FAULTS.length)]!);
        const sent = producer.send({ topic: 't', value: `${value}` });
        outcomes.push(
          sent.then(
            ({ offset }) => ({ value, offset }),
            (error: OttlaError) => {
              refusals.add(error.code);
              return null;
            },
          ),
        );
        if (random.below(10) === 0) await disturb(cluster, random);
        if (random.below(4) === 0) await new Promise(setImmediate);
      }
      const acknowledged = (await Promise.all(outcomes)).filter((outcome) => outcome !== null);
      const values = valuesOf(partition!.log);
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
      expect(acknowledged.map(({ offset }) => values[offset])).toEqual(acknowledged.map(({ value }) => value));
      expect(acknowledged.length).toBeGreaterThan(0);
      // What fails behind a batch that failed for good is sent again, unless it may be in the log already.
      expect(['MESSAGE_TOO_LARGE', 'REQUEST_TIMED_OUT']).toEqual(expect.arrayContaining([...refusals]));
    },
  );
});

async function disturb(cluster: FakeCluster, random: SeededRandom): Promise<void> {
  const { leader } = cluster.topics.get('t')!.partitions[0]!;
  const other = leader === 1 ? 2 : 1;
  if (random.below(2) === 0) {
    cluster.moveLeader('t', 0, other);
    return;
  }
  await cluster.killBroker(leader);
  cluster.moveLeader('t', 0, other);
  await cluster.startBroker(leader);
}
