import {
  type ClusterImage,
  keysFor,
  type MetadataStore,
  partitionRecordCodec,
  StoreUnavailableError,
  type Txn,
  type TxnResult,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { RecordWriter } from '../../src/partition/record-writer';

const TOPIC_ID = '11111111-2222-4333-8444-555555555555';
const KEY = keysFor('world').partition(TOPIC_ID, 0);
const RECORD: PartitionRecord = {
  ...{ version: 1, replicas: [1, 2], adding: [], removing: [], leaderEpoch: 3, elr: [], minIsr: 1, unclean: false },
  leader: { broker: 1, run: 'run-1' },
  isr: [{ broker: 1, logId: 'log-1' }],
  lastKnownLeader: null,
};
const ADD = { broker: 2, run: 'run-2', logId: 'log-2' };

function registered(broker: number, over: object = {}) {
  const value = { broker, run: `run-${broker}`, logIds: [`log-${broker}`], state: 'active', ...over };
  return [broker, { value, modRevision: 10 + broker }] as const;
}

/** Broker 1's writer over an image with these brokers; `store` answers its transactions. */
function writer(brokers: ReturnType<typeof registered>[], answer: (txn: Txn) => Promise<TxnResult>) {
  const partitions = new Map([[TOPIC_ID, new Map([[0, { value: RECORD, modRevision: 7 }]])]]);
  const image = { brokers: new Map(brokers), partitions } as unknown as ClusterImage;
  const sent: Txn[] = [];
  const txn = (request: Txn) => {
    sent.push(request);
    return answer(request);
  };
  const store = { txn } as unknown as MetadataStore;
  const self = { broker: 1, run: 'run-1' };
  return { sent, writer: new RecordWriter({ store, clusterId: 'world', self, image: () => image }) };
}

const change = { topicId: TOPIC_ID, partition: 0, expectedModRevision: 7, record: RECORD, adds: [ADD] };
const never = async (): Promise<TxnResult> => {
  throw new Error('nothing may be written');
};

describe('a change whose guards fail before anything is written', () => {
  it.each([
    ['this broker is not registered', [registered(2)]],
    ['another run of this broker is registered', [registered(1, { run: 'run-0' }), registered(2)]],
    ['the broker to add is not registered', [registered(1)]],
    ['another run of it is', [registered(1), registered(2, { run: 'run-9' })]],
    ['it has another log', [registered(1), registered(2, { logIds: ['log-9'] })]],
    ['it is draining', [registered(1), registered(2, { state: 'draining' })]],
  ])('%s: its outcome is known, the record is as the image has it', async (_name, brokers) => {
    const { writer: it, sent } = writer(brokers, never);
    expect(await it.write(change)).toEqual({ written: false, record: RECORD, modRevision: 7 });
    expect(sent).toEqual([]);
  });
});

describe('a change that is sent', () => {
  const both = [registered(1), registered(2)];

  it('names the record and both registrations', async () => {
    const { writer: it, sent } = writer(both, async () => ({ succeeded: true, revision: 20, reads: [] }));
    expect(await it.write(change)).toEqual({ written: true, record: RECORD, modRevision: 20 });
    expect(sent[0]!.compare.map(({ key, target }) => `${key} ${target}`)).toEqual([
      `${KEY} mod`,
      '/ottla/world/brokers/1 mod',
      '/ottla/world/brokers/2 mod',
    ]);
  });

  it('refused, it gives what the store holds', async () => {
    const other = { ...RECORD, leaderEpoch: 4 };
    const kv = { key: KEY, value: partitionRecordCodec.encode(other), createRevision: 1, modRevision: 15, version: 2 };
    const { writer: it } = writer(
      both,
      async () =>
        ({
          succeeded: false,
          revision: 20,
          reads: [[{ ...kv, lease: null }]],
        }) as unknown as TxnResult,
    );
    expect(await it.write(change)).toEqual({ written: false, record: other, modRevision: 15 });
  });

  it('that the store certainly did not carry out has a known outcome', async () => {
    const { writer: it } = writer(both, async () => {
      throw new StoreUnavailableError('refused the connection', false);
    });
    expect(await it.write(change)).toEqual({ written: false, record: RECORD, modRevision: 7 });
  });

  it('that it may have carried out fails: nobody knows', async () => {
    const { writer: it } = writer(both, async () => {
      throw new StoreUnavailableError('no answer', true);
    });
    await expect(it.write(change)).rejects.toMatchObject({ maybeApplied: true });
  });
});
