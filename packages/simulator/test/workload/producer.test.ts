import { ErrorCode, type ErrorName, readBatchHeader } from '@ottla/protocol';
import { type KafkaProducerSettings, kafkaProducer } from '../../src/workload/producers/kafka-producer';
import { contextOf, FakeBroker, metadata, type TestContext } from './fake-broker';

const SETTINGS: KafkaProducerSettings = {
  ...{ partitions: [{ topic: 'orders', partition: 0 }], acks: -1, idempotent: true, intervalMs: 100, maxRecords: 1 },
  ...{ padding: 0, maxInFlight: 3, maxAttempts: 2, echoOneIn: 0, startMs: 0, pause: null },
  ...{ requestTimeoutMs: 200, sticky: false, byId: true },
};

interface Situation {
  readonly broker: FakeBroker;
  readonly context: TestContext;
  /** What the next produces are answered with; NONE when nothing is said. */
  readonly errors: (ErrorName | 'no answer')[];
  topicId: string | undefined;
  ids: number;
}

function situation(): Situation {
  const errors: (ErrorName | 'no answer')[] = [];
  let end = 0;
  const broker = new FakeBroker({
    Metadata: () => metadata(state.topicId === undefined ? {} : { topicId: state.topicId }),
    InitProducerId: () => ({ errorCode: 0, producerId: state.ids++, producerEpoch: 0 }),
    Produce: ({ body }) => {
      const error = errors.shift() ?? 'NONE';
      if (error === 'no answer') return null;
      const baseOffset = error === 'NONE' ? end++ : -1;
      const partitionResponses = [{ index: 0, errorCode: ErrorCode[error], baseOffset }];
      return { responses: [{ name: '', topicId: body.topicData[0]!.topicId, partitionResponses }] };
    },
  });
  const state: Situation = { broker, context: contextOf(broker), errors, topicId: undefined, ids: 7 };
  return state;
}

/** Of each produce request: producer id and sequence. */
const sent = ({ broker }: Situation): string[] =>
  broker.of('Produce').map(({ body }) => {
    const { producerId, baseSequence } = readBatchHeader(body.topicData[0]!.partitionData[0]!.records!);
    return `${producerId}/${baseSequence}`;
  });

const types = ({ context }: Situation): string[] => context.recorder.events.map(({ type }) => type);

describe('producer', () => {
  it('an idempotent one numbers its records in a row, under an id of its own', async () => {
    const given = situation();
    const producer = kafkaProducer(given.context, SETTINGS);
    producer.start();
    await given.context.pass(700);
    producer.quiesce();
    await given.context.pass(300);
    expect(sent(given).slice(0, 3)).toEqual(['7/0', '7/1', '7/2']);
    expect(types(given).filter((type) => type === 'produce-acked')).toHaveLength(sent(given).length);
    expect(producer.unfinished()).toBeNull();
  });

  it.each(['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'no answer'] as const)(
    '%s: the same sequence is sent again, before any later one',
    async (error) => {
      const given = situation();
      given.errors.push(error);
      // An answer that never comes holds up those behind it on its connection.
      const maxInFlight = error === 'no answer' ? 1 : 3;
      const producer = kafkaProducer(given.context, { ...SETTINGS, maxInFlight });
      producer.start();
      await given.context.pass(1_500);
      expect(sent(given).filter((what) => what === '7/0').length).toBeGreaterThan(1);
      const acknowledged = given.context.recorder.events.filter(({ type }) => type === 'produce-acked');
      expect(acknowledged.length).toBeGreaterThan(1);
      expect(given.ids).toBe(8);
    },
  );

  it('told that its oldest sequence is wrong, it goes on under another id from 0', async () => {
    const given = situation();
    given.errors.push('NONE', 'OUT_OF_ORDER_SEQUENCE_NUMBER');
    kafkaProducer(given.context, SETTINGS).start();
    await given.context.pass(1_500);
    expect(sent(given)).toEqual(expect.arrayContaining(['7/0', '7/1', '8/0']));
    expect(given.context.recorder.events).toContainEqual(
      expect.objectContaining({ type: 'produce-refused', oldest: true }),
    );
  });

  it('a topic made again begins with sequence 0', async () => {
    const given = situation();
    kafkaProducer(given.context, { ...SETTINGS, maxInFlight: 1 }).start();
    await given.context.pass(500);
    given.topicId = '00000000-0000-4000-8000-0000000000bb';
    given.errors.push('UNKNOWN_TOPIC_ID');
    await given.context.pass(1_500);
    const again = given.broker.of('Produce').filter(({ body }) => body.topicData[0]!.topicId === given.topicId);
    expect(readBatchHeader(again[0]!.body.topicData[0]!.partitionData[0]!.records!).baseSequence).toBe(0);
  });

  it('one that is not idempotent gives up after its attempts', async () => {
    const given = situation();
    given.errors.push(...Array<ErrorName>(40).fill('NOT_ENOUGH_REPLICAS'));
    const producer = kafkaProducer(given.context, { ...SETTINGS, idempotent: false });
    producer.start();
    await given.context.pass(600);
    producer.quiesce();
    await given.context.pass(3_000);
    expect(producer.unfinished()).toBeNull();
    expect(types(given)).not.toContain('produce-acked');
  });

  it('with acks=0 nothing is waited for', async () => {
    const given = situation();
    given.errors.push(...Array<'no answer'>(40).fill('no answer'));
    const producer = kafkaProducer(given.context, { ...SETTINGS, idempotent: false, acks: 0 });
    producer.start();
    await given.context.pass(600);
    expect(producer.unfinished()).toBeNull();
    expect(types(given)).toContain('produce-sent');
    expect(types(given)).not.toContain('produce-acked');
  });

  it('a topic id that was told before is told again: what was dropped is no gap, as all goes on under another id', async () => {
    const given = situation();
    const producer = kafkaProducer(given.context, SETTINGS);
    producer.start();
    await given.context.pass(450);
    const first = sent(given).at(-1)!;
    const other = '00000000-0000-4000-8000-00000000000f';
    for (const topicId of [other, undefined]) {
      given.topicId = topicId;
      given.errors.push('NOT_LEADER_OR_FOLLOWER');
      await given.context.pass(700);
    }
    expect(first.startsWith('7/')).toBe(true);
    const [id] = sent(given).at(-1)!.split('/');
    expect(Number(id)).toBeGreaterThan(7);
    expect(sent(given).find((what) => what.startsWith(`${id}/`))).toBe(`${id}/0`);
  });
});
