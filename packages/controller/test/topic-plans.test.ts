import { partitionRecordCodec, type TopicRecord, topicRecordCodec } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { type CreationContext, type CreationPlan, planCreateTopic } from '../src/core/topics/plan-create';
import { planDeleteTopic } from '../src/core/topics/plan-delete';
import { planCreatePartitions } from '../src/core/topics/plan-grow';
import { collidingTopic } from '../src/core/topics/topic-name';
import type { CreateTopicRequest } from '../src/core/topics/topic-requests';
import type { PlannedTxn } from '../src/core/txn/planned-txn';
import { KEYS } from './controller-fixtures';
import { DEFAULTS, type ImageParts, imageOf, record, registration, topic, versioned } from './fixtures';

const BROKERS = [1, 2, 3].map((broker) => versioned(registration(broker), 60 + broker));
const OLD = versioned(topic('old.topic', 2), 70);

function context(parts: ImageParts = {}, fields: Partial<CreationContext> = {}): CreationContext {
  return {
    image: imageOf({ brokers: BROKERS, topics: [OLD], ...parts }),
    keys: KEYS,
    defaults: { ...DEFAULTS, partitions: 2, replicationFactor: 3, minInsyncReplicas: 2 },
    validateConfigs: (configs) => {
      if (configs['retention.ms'] === 'soon') throw new OttlaError('INVALID_CONFIG', 'retention.ms must be a number');
    },
    ...fields,
  };
}

function create(request: Partial<CreateTopicRequest>, at = context()): CreationPlan {
  return planCreateTopic(at, { name: 'fresh', partitions: -1, replicationFactor: -1, ...request }, 'id-fresh');
}

function written(transactions: readonly PlannedTxn[]): Map<string, Uint8Array> {
  const puts = transactions.flatMap((txn) => txn.success).filter((op) => op.type === 'put');
  return new Map(puts.map((op) => [op.key, op.value]));
}

function recordAt(transactions: readonly PlannedTxn[], key: string) {
  return partitionRecordCodec.decode(written(transactions).get(key)!, key);
}

describe('creating a topic', () => {
  it('is one transaction: each partition with its leader, in sync, and the topic', () => {
    const plan = create({ configs: { 'retention.ms': '1000' } });
    expect(plan.transactions).toHaveLength(1);
    expect(plan.replicationFactor).toBe(3);
    const first = recordAt(plan.transactions, KEYS.partition('id-fresh', 0));
    expect(first).toEqual({
      version: 1,
      replicas: [1, 2, 3],
      adding: [],
      removing: [],
      leader: { broker: 1, run: 'run-1' },
      leaderEpoch: 0,
      isr: [1, 2, 3].map((broker) => ({ broker, logId: `log-${broker}` })),
      elr: [],
      minIsr: 2,
      lastKnownLeader: { broker: 1, logId: 'log-1' },
      unclean: false,
    });
    expect(recordAt(plan.transactions, KEYS.partition('id-fresh', 1)).leader).toEqual({ broker: 2, run: 'run-2' });
    const key = KEYS.topic('fresh');
    expect(topicRecordCodec.decode(written(plan.transactions).get(key)!, key)).toEqual({
      version: 1,
      name: 'fresh',
      topicId: 'id-fresh',
      partitions: 2,
      configs: { 'retention.ms': '1000' },
      internal: false,
    });
  });

  it('relies on the name being free, the records being new, and the registration of each leader', () => {
    expect(create({}).transactions[0]!.compare).toEqual([
      { key: KEYS.topic('fresh'), target: 'create', equals: 0 },
      { key: KEYS.partition('id-fresh', 0), target: 'create', equals: 0 },
      { key: KEYS.broker(1), target: 'mod', equals: 61 },
      { key: KEYS.partition('id-fresh', 1), target: 'create', equals: 0 },
      { key: KEYS.broker(2), target: 'mod', equals: 62 },
    ]);
  });

  it('of many partitions comes in batches that the store takes; the last one shows it', () => {
    const { transactions } = create({ partitions: 500 });
    for (const txn of transactions) {
      expect(Math.max(txn.compare.length, txn.success.length, txn.failure.length)).toBeLessThanOrEqual(128);
    }
    expect(written(transactions).size).toBe(501);
    expect(written(transactions.slice(0, -1)).has(KEYS.topic('fresh'))).toBe(false);
    expect(written(transactions.slice(-1)).has(KEYS.partition('id-fresh', 0))).toBe(true);
    expect(transactions.at(-1)!.compare).toContainEqual({
      key: transactions[0]!.success[0]!.type === 'put' ? transactions[0]!.success[0]!.key : '',
      target: 'create',
      greater: 0,
    });
  });

  it('replicas on draining brokers are not in sync at first, and never lead', () => {
    const brokers = [versioned(registration(1, 'draining'), 61), BROKERS[1]!, BROKERS[2]!];
    const { transactions } = create({ partitions: 1 }, context({ brokers }));
    const first = recordAt(transactions, KEYS.partition('id-fresh', 0));
    expect(first.replicas).toEqual([2, 3, 1]);
    expect(first.isr.map((member) => member.broker)).toEqual([2, 3]);
  });

  it('the effective minimum is never more than the replicas', () => {
    const { transactions } = create({ replicationFactor: 1, configs: { 'min.insync.replicas': '3' } });
    expect(recordAt(transactions, KEYS.partition('id-fresh', 0)).minIsr).toBe(1);
  });

  it('takes assignments as they are given', () => {
    const assignments = new Map([
      [1, [3, 1]],
      [0, [2, 3]],
    ]);
    const plan = create({ assignments });
    expect(plan.topic.partitions).toBe(2);
    expect(recordAt(plan.transactions, KEYS.partition('id-fresh', 0)).replicas).toEqual([2, 3]);
    expect(recordAt(plan.transactions, KEYS.partition('id-fresh', 1)).leader).toEqual({ broker: 3, run: 'run-3' });
  });

  const assigned = (...lists: (readonly [number, readonly number[]])[]) => ({ assignments: new Map(lists) });

  it.each<[string, Partial<CreateTopicRequest>, string, RegExp]>([
    ['no name', { name: '' }, 'INVALID_TOPIC_EXCEPTION', /the empty string is not allowed/],
    ["'..'", { name: '..' }, 'INVALID_TOPIC_EXCEPTION', /'\.\.' is not allowed/],
    ['a name of 250 characters', { name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION', /max allowed length 249/],
    ['a name with a blank', { name: 'a b' }, 'INVALID_TOPIC_EXCEPTION', /'a b' contains one or more characters/],
    ['a name that exists', { name: 'old.topic' }, 'TOPIC_ALREADY_EXISTS', /'old\.topic' already exists/],
    [
      'a name that collides',
      { name: 'old_topic' },
      'INVALID_TOPIC_EXCEPTION',
      /collides with existing topic: old\.topic/,
    ],
    ['no partitions', { partitions: 0 }, 'INVALID_PARTITIONS', /partitions 0 must be from 1 to 10000/],
    ['-2 partitions', { partitions: -2 }, 'INVALID_PARTITIONS', /partitions -2/],
    ['too many partitions', { partitions: 10_001 }, 'INVALID_PARTITIONS', /10001 must be from 1 to 10000/],
    ['no replicas', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR', /replication factor 0 must be 1 or more/],
    ['more replicas than brokers', { replicationFactor: 4 }, 'INVALID_REPLICATION_FACTOR', /only 3 broker\(s\)/],
    ['a bad config', { configs: { 'retention.ms': 'soon' } }, 'INVALID_CONFIG', /must be a number/],
    ['assignments and partitions', { partitions: 1, ...assigned([0, [1]]) }, 'INVALID_REQUEST', /must be -1, not 1/],
    [
      'assignments and a factor',
      { replicationFactor: 1, ...assigned([0, [1]]) },
      'INVALID_REQUEST',
      /must be -1, not 1/,
    ],
    ['an unknown broker', assigned([0, [1, 7]]), 'INVALID_REPLICA_ASSIGNMENT', /broker 7, which is not registered/],
    ['a broker twice', assigned([0, [1, 1]]), 'INVALID_REPLICA_ASSIGNMENT', /broker 1 more than once/],
    ['no broker', assigned([0, []]), 'INVALID_REPLICA_ASSIGNMENT', /partition 0 is assigned no broker/],
    ['a gap', assigned([0, [1]], [2, [1]]), 'INVALID_REPLICA_ASSIGNMENT', /partition 1 is missing/],
    [
      'uneven factors',
      assigned([0, [1]], [1, [1, 2]]),
      'INVALID_REPLICA_ASSIGNMENT',
      /assigned 2 replica\(s\).* have 1/,
    ],
  ])('%s: refused', (_name, request, code, message) => {
    const attempt = () => create(request);
    expect(attempt).toThrow(expect.objectContaining({ code }));
    expect(attempt).toThrow(message);
  });

  it('assigned only to draining brokers: refused', () => {
    const brokers = [versioned(registration(1, 'draining')), ...BROKERS.slice(1)];
    expect(() => create(assigned([0, [1]]), context({ brokers }))).toThrow(/none of them could lead it/);
  });

  it('names collide when they differ only in dots and underscores', () => {
    expect(collidingTopic('a.b_c', ['x', 'a_b.c'])).toBe('a_b.c');
    expect(collidingTopic('a.b', ['a.b', 'ab', 'a-b'])).toBeNull();
  });
});

describe('adding partitions', () => {
  const at = (beyond = false) =>
    context({
      partitions: {
        'id-old.topic': [
          [0, versioned(record({ replicas: [1, 2] }), 71)],
          [1, versioned(record({ replicas: [2, 3] }), 72)],
          ...(beyond ? [[2, versioned(record(), 99)] as const] : []),
        ],
      },
    });
  const grow = (count: number, assignments?: number[][], beyond = false) =>
    planCreatePartitions(at(beyond), { name: 'old.topic', count, ...(assignments ? { assignments } : {}) });

  it('writes the new ones with the replication factor of the others, and raises the count', () => {
    const { transactions, topic: grown, firstPartition } = grow(4);
    expect([grown.partitions, firstPartition]).toEqual([4, 2]);
    const keys = [KEYS.topic('old.topic'), KEYS.partition('id-old.topic', 2), KEYS.partition('id-old.topic', 3)];
    expect([...written(transactions).keys()]).toEqual(keys);
    expect(recordAt(transactions, keys[1]!).replicas).toHaveLength(2);
  });

  it('relies on the topic as it was read, also in what it writes ahead', () => {
    const { transactions } = grow(400);
    expect(transactions.length).toBeGreaterThan(1);
    for (const txn of transactions) {
      expect(txn.compare).toContainEqual({ key: KEYS.topic('old.topic'), target: 'mod', equals: 70 });
      expect(Math.max(txn.compare.length, txn.success.length)).toBeLessThanOrEqual(128);
    }
  });

  it('writes over what an earlier attempt left, if that is unchanged', () => {
    const key = KEYS.partition('id-old.topic', 2);
    expect(grow(3, undefined, true).transactions[0]!.compare).toContainEqual({ key, target: 'mod', equals: 99 });
  });

  it('takes assignments as they are given', () => {
    const { transactions } = grow(3, [[3, 1]]);
    expect(recordAt(transactions, KEYS.partition('id-old.topic', 2)).replicas).toEqual([3, 1]);
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      'an unknown topic',
      () => planCreatePartitions(at(), { name: 'no', count: 3 }),
      'UNKNOWN_TOPIC_OR_PARTITION',
      /'no'/,
    ],
    ['as many as there are', () => grow(2), 'INVALID_PARTITIONS', /already has 2/],
    ['fewer', () => grow(1), 'INVALID_PARTITIONS', /1 would not be an increase/],
    ['too few assignments', () => grow(4, [[1, 2]]), 'INVALID_REPLICA_ASSIGNMENT', /2 partition\(s\) are to be added/],
    ['another factor', () => grow(3, [[1]]), 'INVALID_REPLICA_ASSIGNMENT', /assigned 1 replica/],
  ])('%s: refused', (_name, attempt, code, message) => {
    expect(attempt).toThrow(expect.objectContaining({ code }));
    expect(attempt).toThrow(message);
  });
});

describe('deleting a topic', () => {
  const at = imageOf({
    topics: [OLD],
    partitions: {
      'id-old.topic': [
        [0, versioned(record({ replicas: [1, 5, 2], adding: [5], removing: [2] }))],
        [1, versioned(record({ replicas: [3, 1], removed: [4] }))],
      ],
    },
  });

  it('is one transaction that names every broker which holds a replica, or still has its folder', () => {
    const { transaction } = planDeleteTopic(at, KEYS, { name: 'old.topic' });
    expect(transaction.compare).toEqual([
      { key: KEYS.topic('old.topic'), target: 'mod', equals: 70 },
      { key: KEYS.deletion('id-old.topic'), target: 'create', equals: 0 },
    ]);
    const [removal, records, deletion] = transaction.success;
    expect(removal).toEqual({ type: 'delete', key: KEYS.topic('old.topic') });
    expect(records).toEqual({ type: 'delete-prefix', prefix: KEYS.partitions('id-old.topic') });
    expect(deletion).toMatchObject({ type: 'put', key: KEYS.deletion('id-old.topic') });
    const value = JSON.parse(new TextDecoder().decode(deletion?.type === 'put' ? deletion.value : new Uint8Array()));
    expect(value).toMatchObject({
      topicId: 'id-old.topic',
      name: 'old.topic',
      partitions: 2,
      brokers: [1, 2, 3, 4, 5],
    });
  });

  it('takes a topic id as well', () => {
    const { topic: deleted } = planDeleteTopic(at, KEYS, { topicId: 'id-old.topic' });
    expect(deleted satisfies TopicRecord).toEqual(OLD.value);
  });

  it.each([
    [{ name: 'no' }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ topicId: 'no' }, 'UNKNOWN_TOPIC_ID'],
  ])('%j: refused with %s', (reference, code) => {
    expect(() => planDeleteTopic(at, KEYS, reference)).toThrow(expect.objectContaining({ code }));
  });
});
