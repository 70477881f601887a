import { apis, ErrorCode, type InputOf, OttlaError } from '@ottla/protocol';
import type { ForwardedProduce, ProducedPartition } from '../../src/peers/produce-forwarder';
import { ask, FakeConnection } from '../support/ask';
import { batchOf } from '../support/batches';
import { eventually } from '../support/eventually';
import { FakeCluster, registration } from '../support/fake-cluster';
import { fakeServices } from '../support/fake-services';

const VERSION = 12;
const IDEMPOTENT = { producerId: 5, producerEpoch: 0, baseSequence: 0 };
const PRODUCED: ProducedPartition = { index: 0, errorCode: ErrorCode.NONE, baseOffset: 42, logStartOffset: 3 };

interface World {
  readonly state?: 'active' | 'draining';
  /** What the next leader answers; an error when it can't be reached. */
  readonly answer?: Partial<ProducedPartition> | OttlaError;
}

/** This broker, 1, is leaving and has handed t-0 over to broker 2. */
function leaving({ state = 'draining', answer = {} }: World = {}) {
  const forwarded: ForwardedProduce[] = [];
  const pending: (() => void)[] = [];
  const services = fakeServices({
    cluster: new FakeCluster([1, 2]),
    forwarder: {
      forward: async (address, produce) => {
        expect(address).toEqual({ host: '10.0.0.2', port: 9092 });
        forwarded.push(produce);
        await new Promise<void>((resolve) => pending.push(resolve));
        if (answer instanceof OttlaError) throw answer;
        return { ...PRODUCED, ...answer };
      },
      untilQuiet: async () => {},
    },
  });
  const topic = services.cluster.addTopic('t', [1]);
  const partition = services.cluster.partition('t');
  services.cluster.setBrokers(registration(1, { state }), registration(2));
  const moves = (): void => {
    partition.resign();
    services.cluster.setLeader(topic, 0, 2, 1);
  };
  const connection = new FakeConnection();
  const produce = async (records: Uint8Array, over: Partial<InputOf<typeof apis.Produce.request>> = {}) => {
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
    const body = { acks: -1, timeoutMs: 1000, topicData, ...over };
    const { responses, nodeEndpoints } = await ask(apis.Produce, VERSION, body, services, connection);
    const { errorCode, baseOffset, currentLeader } = responses[0]!.partitionResponses[0]!;
    return { errorCode, baseOffset, leader: currentLeader.leaderId, endpoints: nodeEndpoints.length };
  };
  return {
    services,
    partition,
    forwarded,
    pending,
    moves,
    produce,
    answered: () => pending.splice(0).map((go) => go()),
  };
}

const REFUSED = { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1, leader: 2, endpoints: 1 };

describe('a produce to a partition that this broker, which is leaving, handed over', () => {
  it('is put to the next leader, whose answer the client gets, and who that is', async () => {
    const { moves, produce, forwarded, pending, answered } = leaving();
    moves();
    const records = batchOf(['a']);
    const answer = produce(records);
    await eventually(() => pending.length === 1, 'it is forwarded');
    answered();
    expect(await answer).toEqual({ errorCode: 0, baseOffset: 42, leader: 2, endpoints: 1 });
    expect(forwarded).toEqual([
      { clientId: 'test-client', topic: 't', partition: 0, records: expect.anything(), acks: -1, timeoutMs: 1000 },
    ]);
    expect(Buffer.from(forwarded[0]!.records)).toEqual(Buffer.from(records));
  });

  it('others of the client are under way: only the last answer tells who leads', async () => {
    const { moves, produce, pending, answered } = leaving();
    moves();
    const answers = ['a', 'b', 'c'].map((value) => produce(batchOf([value])));
    await eventually(() => pending.length === 3, 'all are forwarded');
    answered();
    const leaders = (await Promise.all(answers)).map(({ errorCode, leader }) => [errorCode, leader]);
    expect(leaders).toEqual([
      [0, -1],
      [0, -1],
      [0, 2],
    ]);
  });

  it('an idempotent batch that was being appended here: is forwarded, and recognised there', async () => {
    const { partition, moves, produce, pending, answered } = leaving();
    partition.produceError = new OttlaError('NOT_LEADER_OR_FOLLOWER', 'leadership moved');
    const answer = produce(batchOf(['a'], IDEMPOTENT));
    moves();
    await eventually(() => pending.length === 1, 'it is forwarded');
    answered();
    expect(await answer).toMatchObject({ errorCode: 0, baseOffset: 42 });
  });

  it('another batch that was being appended here: is refused, for it may be there already', async () => {
    const { partition, moves, produce, forwarded } = leaving();
    partition.produceError = new OttlaError('NOT_LEADER_OR_FOLLOWER', 'leadership moved');
    const answer = produce(batchOf(['a']));
    moves();
    expect(await answer).toEqual(REFUSED);
    expect(forwarded).toEqual([]);
  });

  it('this broker is not leaving: refused', async () => {
    const { moves, produce, forwarded } = leaving({ state: 'active' });
    moves();
    expect(await produce(batchOf(['a']))).toEqual(REFUSED);
    expect(forwarded).toEqual([]);
  });

  it('this broker was fenced: refused', async () => {
    const { services, moves, produce, forwarded } = leaving();
    moves();
    services.cluster.setBrokers(registration(2));
    expect(await produce(batchOf(['a']))).toEqual(REFUSED);
    expect(forwarded).toEqual([]);
  });

  it.each([
    ['refuses it', { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }],
    ['can not be reached', new OttlaError('NETWORK_EXCEPTION', 'connection refused')],
  ])('the next leader %s: refused, as without it', async (_, answer) => {
    const { moves, produce, pending, answered } = leaving({ answer });
    moves();
    const refusal = produce(batchOf(['a']));
    await eventually(() => pending.length === 1, 'it is forwarded');
    answered();
    expect(await refusal).toEqual(REFUSED);
  });
});
