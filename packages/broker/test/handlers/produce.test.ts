import { apis, ErrorCode, type InputOf, OttlaError } from '@ottla/protocol';
import { nodeCodecs } from '@ottla/runtime';
import { ask } from '../support/ask';
import { batchOf } from '../support/batches';
import { FakeCluster, topicIdOf } from '../support/fake-cluster';
import { fakeServices } from '../support/fake-services';

type Body = InputOf<typeof apis.Produce.request>;

const BY_NAME = 12;
const BY_ID = 13;

function body(
  records: Uint8Array | null,
  over: Partial<Body> = {},
  topic: Partial<Body['topicData'][number]> = {},
): Body {
  return {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }], ...topic }],
    ...over,
  };
}

async function produce(services = fakeServices(), request: Body = body(batchOf(['a'])), version = BY_NAME) {
  const { responses } = await ask(apis.Produce, version, request, services);
  return responses[0]!.partitionResponses[0]!;
}

function withTopic(configs: Record<string, string> = {}) {
  const services = fakeServices();
  services.cluster.addTopic('t', [1], { configs });
  return services;
}

const compressed = (name: 'zstd' | 'gzip', values = ['a']) =>
  batchOf(values, { compression: { name, compress: (payload) => nodeCodecs.compress(name, payload) } });

describe('Produce', () => {
  it.each([3, 7, 9, BY_NAME])('version %i: the batch is appended and its offset answered', async (version) => {
    const services = withTopic();
    await produce(services, body(batchOf(['a', 'b'])), version);
    const answer = await produce(services, body(batchOf(['c'])), version);
    expect(answer).toMatchObject({ index: 0, errorCode: 0, baseOffset: 2, logAppendTimeMs: -1, errorMessage: null });
    expect(services.cluster.partition('t').logEnd).toBe(3);
  });

  it('version 13, by topic id: appended; an unknown id: UNKNOWN_TOPIC_ID', async () => {
    const services = withTopic();
    const known = body(batchOf(['a']), {}, { name: '', topicId: topicIdOf(1) });
    const unknown = body(batchOf(['a']), {}, { name: '', topicId: topicIdOf(2) });
    expect((await produce(services, known, BY_ID)).errorCode).toBe(0);
    expect((await produce(services, unknown, BY_ID)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  it('one good partition among bad ones: each has its own result, in the order asked', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic('t', [1, 2, 1]);
    const partitionData = [0, 1, 2, 3, -1].map((index) => ({ index, records: index === 2 ? null : batchOf(['a']) }));
    const { responses } = await ask(
      apis.Produce,
      BY_NAME,
      {
        acks: 1,
        timeoutMs: 1,
        topicData: [
          { name: 't', partitionData },
          { name: 'u', partitionData: [{ index: 0, records: batchOf(['a']) }] },
        ],
      },
      services,
    );
    expect(responses.map(({ name, partitionResponses }) => [name, partitionResponses.map((p) => p.errorCode)])).toEqual(
      [
        [
          't',
          [
            ErrorCode.NONE,
            ErrorCode.NOT_LEADER_OR_FOLLOWER,
            ErrorCode.INVALID_RECORD,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          ],
        ],
        ['u', [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
      ],
    );
  });

  it('a partition led elsewhere: NOT_LEADER_OR_FOLLOWER with the leader and its address (KIP-951)', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    const topic = services.cluster.addTopic('t', [2]);
    services.cluster.setLeader(topic, 0, 2, 5);
    const response = await ask(apis.Produce, BY_NAME, body(batchOf(['a'])), services);
    expect(response.responses[0]!.partitionResponses[0]).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      errorMessage: 'broker 1 does not lead t-0: broker 2 does; refresh the metadata',
      currentLeader: { leaderId: 2, leaderEpoch: 5 },
    });
    expect(response.nodeEndpoints).toEqual([{ nodeId: 2, host: '10.0.0.2', port: 9092, rack: null }]);
  });

  describe('a leadership that the image gives to this broker and that its replica has not taken up', () => {
    function aboutToLead() {
      const services = withTopic();
      services.cluster.partition('t').resign();
      return { services, partition: services.cluster.partition('t') };
    }

    function idle(services: ReturnType<typeof fakeServices>): void {
      expect([services.clock.pendingTimers, services.cluster.listenerCount]).toEqual([0, 0]);
    }

    it('is taken up: requests that waited are appended in their order', async () => {
      const { services, partition } = aboutToLead();
      const answers = ['a', 'b', 'c'].map((value) => produce(services, body(batchOf([value]))));
      await new Promise((resolve) => setImmediate(resolve));
      partition.becomeLeader(1);
      services.cluster.roleChanged(partition);
      expect((await Promise.all(answers)).map((answer) => [answer.errorCode, answer.baseOffset])).toEqual([
        [0, 0],
        [0, 1],
        [0, 2],
      ]);
      idle(services);
    });

    it('goes to another broker: NOT_LEADER_OR_FOLLOWER at once, with that broker', async () => {
      const { services } = aboutToLead();
      const answer = produce(services);
      services.cluster.setLeader(services.cluster.image.topics.get('t')!.value, 0, 2, 3);
      expect(await answer).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        currentLeader: { leaderId: 2, leaderEpoch: 3 },
      });
      idle(services);
    });

    it('is never taken up: NOT_LEADER_OR_FOLLOWER after two seconds', async () => {
      const { services } = aboutToLead();
      const answer = produce(services);
      services.clock.advance(2_000);
      expect(await answer).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        errorMessage: 'broker 1 does not lead t-0: it is about to: try again',
      });
      idle(services);
    });
  });

  it.each([2, -2, 100])('acks=%i: INVALID_REQUIRED_ACKS', async (acks) => {
    const services = withTopic();
    const answer = await produce(services, body(batchOf(['a']), { acks }));
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_REQUIRED_ACKS, baseOffset: -1 });
    expect(answer.errorMessage).toBe(`acks is ${acks}: expected 0, 1 or -1 (all)`);
    expect(services.cluster.partition('t').logEnd).toBe(0);
  });

  it('acks=0: is appended and has no response; a refused one rejects, so that the connection is closed', async () => {
    const services = withTopic();
    expect(await ask(apis.Produce, BY_NAME, body(batchOf(['a']), { acks: 0 }), services)).toBeNull();
    expect(services.cluster.partition('t').logEnd).toBe(1);
    const topic = services.cluster.image.topics.get('t')!.value;
    services.cluster.setLeader(topic, 0, 2);
    services.cluster.partition('t').resign();
    await expect(ask(apis.Produce, BY_NAME, body(batchOf(['a']), { acks: 0 }), services)).rejects.toThrow(
      /acks=0 failed/,
    );
  });

  it('a transactional id: a code on which clients give up at once, with words', async () => {
    const answer = await produce(withTopic(), body(batchOf(['a']), { transactionalId: 'tx' }));
    expect(answer.errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    expect(answer.errorMessage).toMatch(/transactions are not supported/);
  });

  it('an internal topic: INVALID_TOPIC_EXCEPTION', async () => {
    const services = fakeServices();
    services.cluster.addTopic('__consumer_offsets', [1], { internal: true });
    const answer = await produce(services, body(batchOf(['a']), {}, { name: '__consumer_offsets' }));
    expect(answer.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  });

  const flipped = batchOf(['payload']);
  flipped[flipped.length - 1]! ^= 1;
  const oldMagic = batchOf(['payload']);
  oldMagic[16] = 1;
  const two = Buffer.concat([batchOf(['a']), batchOf(['b'])]);
  const badBatches: [string, Uint8Array | null, number, keyof typeof ErrorCode, RegExp][] = [
    ['no batch', null, BY_NAME, 'INVALID_RECORD', /t-0: the request holds no record batch/],
    ['no bytes', new Uint8Array(0), BY_NAME, 'INVALID_RECORD', /t-0: the request holds no record batch/],
    ['two batches', two, BY_NAME, 'INVALID_RECORD', /t-0: the request holds 2 record batches/],
    ['a wrong CRC', flipped, BY_NAME, 'CORRUPT_MESSAGE', /t-0: .*CRC32C/],
    ['half a batch', batchOf(['payload']).subarray(0, 65), BY_NAME, 'CORRUPT_MESSAGE', /t-0: /],
    ['half a header', batchOf(['payload']).subarray(0, 30), BY_NAME, 'CORRUPT_MESSAGE', /t-0: /],
    ['an old magic', oldMagic, BY_NAME, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', /t-0: .*v1/],
    ['zstd before version 7', compressed('zstd'), 6, 'UNSUPPORTED_COMPRESSION_TYPE', /version 7/],
    [
      'a transactional batch',
      batchOf(['a'], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      BY_NAME,
      'INVALID_TXN_STATE',
      /transaction/,
    ],
    [
      'a timestamp of tomorrow',
      batchOf(['a'], { timestamp: 1_700_086_400_000 }),
      BY_NAME,
      'INVALID_TIMESTAMP',
      /message\.timestamp\.after\.max\.ms allows 3600000/,
    ],
  ];
  it.each(badBatches)('%s: is refused and nothing is appended', async (_, records, version, code, message) => {
    const services = withTopic();
    const answer = await produce(services, body(records), version);
    expect(answer.errorCode).toBe(ErrorCode[code]);
    if (version >= 8) expect(answer.errorMessage).toMatch(message);
    expect(answer.baseOffset).toBe(-1);
    expect(services.cluster.partition('t').logEnd).toBe(0);
  });

  it("a batch over the topic's max.message.bytes: MESSAGE_TOO_LARGE with the limit and the setting", async () => {
    const services = withTopic({ 'max.message.bytes': '100' });
    const answer = await produce(services, body(batchOf(['x'.repeat(200)])));
    expect(answer.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(answer.errorMessage).toMatch(/max\.message\.bytes \(100\)/);
  });

  it('zstd from version 7 on: is kept as it is', async () => {
    const services = withTopic();
    const batch = compressed('zstd', ['aaaaaaaaaaaaaaaaaaaaaaaaaa']);
    expect((await produce(services, body(batch), 7)).errorCode).toBe(0);
    expect(services.cluster.partition('t').batches[0]!.bytes.subarray(61)).toEqual(new Uint8Array(batch.subarray(61)));
  });

  it('LogAppendTime: the records get the time of the append, which is answered', async () => {
    const services = withTopic({ 'message.timestamp.type': 'LogAppendTime' });
    services.clock.advance(5_000);
    const answer = await produce(services, body(batchOf(['a'], { timestamp: 1 })));
    expect(answer).toMatchObject({ errorCode: 0, logAppendTimeMs: services.clock.wall() });
    expect(services.cluster.partition('t').batches[0]!.header.maxTimestamp).toBe(services.clock.wall());
  });

  it('LogAppendTime: a timestamp of the future does not matter', async () => {
    const services = withTopic({ 'message.timestamp.type': 'LogAppendTime' });
    expect((await produce(services, body(batchOf(['a'], { timestamp: 1_900_000_000_000 })))).errorCode).toBe(0);
  });

  it.each(['none', 'gzip'] as const)(
    'a compacted topic, %s: records without a key are refused by their index',
    async (codec) => {
      const services = withTopic({ 'cleanup.policy': 'compact' });
      const batch = codec === 'none' ? batchOf(['a', 'b']) : compressed('gzip', ['a', 'b']);
      const answer = await produce(services, body(batch));
      expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
      expect(answer.recordErrors.map((error) => error.batchIndex)).toEqual([0, 1]);
      expect(answer.errorMessage).toMatch(/compacted/);
      expect((await produce(services, body(batchOf(['a'], { key: 'k' })))).errorCode).toBe(0);
    },
  );

  it('a compacted topic and a payload that does not decompress: CORRUPT_MESSAGE, not a server error', async () => {
    const services = withTopic({ 'cleanup.policy': 'compact' });
    const garbage = batchOf(['a'], { compression: { name: 'gzip', compress: () => Uint8Array.of(1, 2, 3) } });
    expect((await produce(services, body(garbage))).errorCode).toBe(ErrorCode.CORRUPT_MESSAGE);
  });

  it.each([
    'NOT_ENOUGH_REPLICAS',
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'REQUEST_TIMED_OUT',
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'KAFKA_STORAGE_ERROR',
  ] as const)('%s from the partition: is answered with its words', async (code) => {
    const services = withTopic();
    services.cluster.partition('t').produceError = new OttlaError(code, 'the reason');
    expect(await produce(services)).toMatchObject({ errorCode: ErrorCode[code], errorMessage: 'the reason' });
  });

  it('an unexpected error in one partition: UNKNOWN_SERVER_ERROR for it, a log line, the other is appended', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t', [1, 1]);
    services.cluster.partition('t', 0).produceError = new TypeError('oops');
    const partitionData = [0, 1].map((index) => ({ index, records: batchOf(['a']) }));
    const { responses } = await ask(apis.Produce, BY_NAME, body(null, {}, { partitionData }), services);
    expect(responses[0]!.partitionResponses.map((p) => p.errorCode)).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, 0]);
    expect(services.logger.matching(/^error: produce to t-0 failed: oops/)).toHaveLength(1);
  });

  it('acks=all: is answered when the high watermark passes the batch, not before', async () => {
    const services = withTopic();
    const partition = services.cluster.partition('t');
    partition.commitAtOnce = false;
    let answered = false;
    const answer = produce(services).then((response) => {
      answered = true;
      return response;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([partition.logEnd, answered]).toEqual([1, false]);
    partition.commit(1);
    expect((await answer).errorCode).toBe(0);
  });
});
