import type { InputOf } from '@ottla/protocol';
import { apis, ErrorCode } from '@ottla/protocol';
import { ask } from '../support/ask';
import { FakeCluster, registration, topicIdOf } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

type Body = InputOf<typeof apis.DescribeTopicPartitions.request>;

function withTopics(): FakeServices {
  const services = fakeServices({ cluster: new FakeCluster([1, 2, 3]) });
  services.cluster.addTopic('b', [1, 2, 3]);
  services.cluster.addTopic('a', [1, 2]);
  services.cluster.addTopic('c', [1]);
  return services;
}

const describePartitions = (services: FakeServices, body: Partial<Body> = {}) =>
  ask(apis.DescribeTopicPartitions, 0, { topics: [], ...body }, services);

const shown = (answer: Awaited<ReturnType<typeof describePartitions>>) =>
  answer.topics.map(({ name, partitions }) => `${name}:${partitions.map((one) => one.partitionIndex)}`);

describe('DescribeTopicPartitions', () => {
  it('no topics named: all of them by name, on one page', async () => {
    const answer = await describePartitions(withTopics());
    expect(shown(answer)).toEqual(['a:0,1', 'b:0,1,2', 'c:0']);
    expect(answer.nextCursor).toBeNull();
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('pages of %i partitions: every partition once, in order', async (limit) => {
    const services = withTopics();
    const seen: string[] = [];
    let cursor: Body['cursor'] = null;
    for (let pages = 0; pages < 10; pages++) {
      const answer = await describePartitions(services, { responsePartitionLimit: limit, cursor });
      for (const { name, partitions } of answer.topics) {
        expect(partitions.length).toBeLessThanOrEqual(limit);
        for (const { partitionIndex } of partitions) seen.push(`${name}${partitionIndex}`);
      }
      cursor = answer.nextCursor;
      if (cursor === null) break;
    }
    expect(seen).toEqual(['a0', 'a1', 'b0', 'b1', 'b2', 'c0']);
  });

  const asked: [string, Partial<Body>, string[], Body['cursor']][] = [
    ['some topics, in any order: by name', { topics: [{ name: 'c' }, { name: 'a' }] }, ['a:0,1', 'c:0'], null],
    ['a topic twice: once', { topics: [{ name: 'c' }, { name: 'c' }] }, ['c:0'], null],
    [
      'a cursor: topics before it are left out',
      { topics: [{ name: 'c' }, { name: 'a' }], cursor: { topicName: 'b', partitionIndex: 1 } },
      ['c:0'],
      null,
    ],
    [
      'a cursor of a deleted topic: goes on with the next',
      { cursor: { topicName: 'aa', partitionIndex: 7 } },
      ['b:0,1,2', 'c:0'],
      null,
    ],
    [
      'a limit below 1: one partition all the same',
      { responsePartitionLimit: 0 },
      ['a:0'],
      { topicName: 'a', partitionIndex: 1 },
    ],
    [
      'a full page at the end of a topic: the cursor is at the next one',
      { responsePartitionLimit: 2 },
      ['a:0,1'],
      { topicName: 'b', partitionIndex: 0 },
    ],
  ];
  it.each(asked)('%s', async (_, body, topics, nextCursor) => {
    const answer = await describePartitions(withTopics(), body);
    expect(shown(answer)).toEqual(topics);
    expect(answer.nextCursor).toEqual(nextCursor);
  });

  it('a partition: leader, ISR, eligible leaders, and who is not there', async () => {
    const services = withTopics();
    const { topicId } = services.cluster.image.topics.get('c')!.value;
    const partitions = new Map(services.cluster.image.partitions);
    const [number, stored] = [...partitions.get(topicId)!][0]!;
    const elr = [{ broker: 2, logId: 'log-2' }];
    const value = { ...stored.value, isr: [{ broker: 1, logId: 'log-1' }], elr, minIsr: 2, leaderEpoch: 4 };
    partitions.set(topicId, new Map([[number, { ...stored, value }]]));
    services.cluster.change({ partitions });
    services.cluster.setBrokers(registration(1), registration(2));
    const answer = await describePartitions(services, { topics: [{ name: 'c' }] });
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, topicId: topicIdOf(3), isInternal: false });
    expect(answer.topics[0]!.partitions[0]).toMatchObject({
      ...{ errorCode: 0, leaderId: 1, leaderEpoch: 4, replicaNodes: [1, 2, 3], isrNodes: [1] },
      ...{ eligibleLeaderReplicas: [2], lastKnownElr: [] },
    });
  });

  it('nobody in sync or eligible: the last known leader', async () => {
    const services = withTopics();
    const { topicId } = services.cluster.image.topics.get('c')!.value;
    const stored = services.cluster.image.partitions.get(topicId)!.get(0)!;
    const lastKnownLeader = { broker: 3, logId: 'log-3' };
    const value = { ...stored.value, leader: null, isr: [], elr: [], lastKnownLeader };
    const partitions = new Map(services.cluster.image.partitions).set(topicId, new Map([[0, { ...stored, value }]]));
    services.cluster.change({ partitions });
    const answer = await describePartitions(services, { topics: [{ name: 'c' }] });
    expect(answer.topics[0]!.partitions[0]).toMatchObject({ leaderId: -1, isrNodes: [], lastKnownElr: [3] });
  });

  it('an unknown topic: UNKNOWN_TOPIC_OR_PARTITION for it alone', async () => {
    const answer = await describePartitions(withTopics(), { topics: [{ name: 'x' }, { name: 'c' }] });
    expect(answer.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['c', 0],
      ['x', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });

  it('a cursor before the first partition: INVALID_REQUEST', async () => {
    const cursor = { topicName: 'a', partitionIndex: -1 };
    const answer = await describePartitions(withTopics(), { topics: [{ name: 'a' }], cursor });
    expect(answer.topics[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
