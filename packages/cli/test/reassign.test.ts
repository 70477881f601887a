import type { PartitionDescription, ReplicaDescription } from '@ottla/client';
import { formatPlan, parsePlan } from '../src/reassign/plan-file';
import { progressOf } from '../src/reassign/progress';

describe('a plan', () => {
  it('is read as it was written, and as Kafka writes it', () => {
    const plan = [
      { topic: 'a', partition: 0, replicas: [2, 1] },
      { topic: 'b', partition: 7, replicas: [3] },
    ];
    expect(parsePlan(formatPlan(plan), 'plan.json')).toEqual(plan);
    const ofKafka =
      '{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[1,2],"log_dirs":["any","any"]}]}';
    expect(parsePlan(ofKafka, 'plan.json')).toEqual([{ topic: 'a', partition: 0, replicas: [1, 2] }]);
  });

  it.each([
    ['', /plan\.json: not JSON/],
    ['null', /expected \{"version":1/],
    ['{"version":2,"partitions":[]}', /expected \{"version":1/],
    ['{"version":1,"partitions":{}}', /expected \{"version":1/],
    ['{"version":1,"partitions":[null]}', /partitions\[0\]: expected \{"topic":NAME/],
    ['{"version":1,"partitions":[{"topic":"a","partition":-1,"replicas":[1]}]}', /partitions\[0\]: expected/],
    ['{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":["1"]}]}', /partitions\[0\]: expected/],
    [
      '{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[1]},{"topic":"a","partition":0,"replicas":[2]}]}',
      /a-0 is in it twice/,
    ],
  ])('%s is refused with a sentence', (text, sentence) => {
    expect(() => parsePlan(text, 'plan.json')).toThrow(sentence);
  });
});

describe('the progress of a reassignment', () => {
  const replica = (broker: number, logEndOffset: number | null, inSync: boolean): ReplicaDescription => {
    return { broker, inSync, online: true, logStartOffset: 100, logEndOffset, highWatermark: null };
  };
  const partition = (leader: number, ...replicas: ReplicaDescription[]): PartitionDescription => {
    return { partition: 0, leader, leaderEpoch: 3, replicas, isr: [1], elr: [] };
  };
  const underWay = { topic: 't', partition: 0, replicas: [4, 5, 1, 2], adding: [4, 5], removing: [2] };

  it('is what each added replica has of what the leader has', () => {
    const described = partition(1, replica(4, 1099, false), replica(5, 1100, true), replica(1, 1100, true));
    expect(progressOf(underWay, described)).toEqual({
      ...underWay,
      leader: 1,
      leaderLogEnd: 1100,
      added: [
        { broker: 4, inSync: false, logEnd: 1099, percent: 99 },
        { broker: 5, inSync: true, logEnd: 1100, percent: 100 },
      ],
    });
  });

  it.each([
    ['nothing is told of a replica', partition(1, replica(4, null, false), replica(1, 1100, true)), null],
    ['nobody leads', partition(-1, replica(4, 500, false), replica(1, 1100, true)), null],
    ['the topic is gone meanwhile', undefined, null],
    ['the replica has less than the log begins with', partition(1, replica(4, 0, false), replica(1, 1100, true)), 0],
    ['both are empty', partition(1, replica(4, 100, false), replica(1, 100, true)), 100],
  ])('%s', (_name, described, percent) => {
    expect(progressOf({ ...underWay, adding: [4] }, described).added[0]!.percent).toBe(percent);
  });
});
