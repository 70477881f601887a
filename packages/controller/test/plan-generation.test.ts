import { generationCodec, partitionRecordCodec, producerIdsCodec } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { type BrokerReport, missingReports, planGeneration } from '../src/core/restore/plan-generation';
import { KEYS } from './controller-fixtures';
import { imageOf, record, registration, topic, versioned } from './fixtures';

function recordOf(over: Partial<PartitionRecord> = {}): PartitionRecord {
  return record({ leader: { broker: 1, run: 'old' }, leaderEpoch: 4, minIsr: 2, ...over });
}

/** What a broker tells: [highest epoch, last epoch, log end], or nothing of this partition. */
function report(broker: number, held: [number, number, number] | null, nextProducerId = 0): [number, BrokerReport] {
  const [highestEpoch, lastEpoch, logEnd] = held ?? [-1, -1, 0];
  const replica = { topicId: 'id-letters', partition: 0, logId: `log-${broker}`, highestEpoch, lastEpoch, logEnd };
  return [broker, { run: `run-${broker}`, replicas: held === null ? [] : [replica], nextProducerId }];
}

function plan(reports: [number, BrokerReport][], before = recordOf()) {
  const image = imageOf({
    brokers: [1, 2, 3, 4].map((id) => versioned(registration(id))),
    topics: [versioned(topic('letters', 1))],
    partitions: { 'id-letters': [[0, versioned(before)]] },
  });
  const input = { image, keys: KEYS, self: { broker: 1, run: 'run-1' }, generation: 5, reports: new Map(reports) };
  const { records, beginning } = planGeneration(input);
  const [put] = records[0]!.success;
  const written = partitionRecordCodec.decode((put as { value: Uint8Array }).value, 'partition');
  return { written, records, beginning, missing: missingReports(input) };
}

describe('the records of a new generation', () => {
  it.each<[string, [number, BrokerReport][], number | null, number[], boolean]>([
    ['all hold the same', [report(1, [6, 6, 9]), report(2, [6, 6, 9]), report(3, [6, 6, 9])], 1, [1, 2, 3], false],
    ['one is behind', [report(1, [6, 6, 8]), report(2, [6, 6, 9]), report(3, [6, 6, 9])], 2, [2, 3], false],
    [
      'a later epoch counts more than a longer log',
      [report(1, [6, 5, 99]), report(2, [6, 6, 9]), report(3, null)],
      2,
      [2],
      false,
    ],
    ['one has not reported', [report(2, [6, 6, 9]), report(3, [6, 6, 9])], 2, [2, 3], true],
    ['none holds anything', [report(1, null), report(2, null), report(3, null)], null, [1, 2, 3], false],
    ['empty logs', [report(1, [4, -1, 0]), report(2, [4, -1, 0]), report(3, [4, -1, 0])], 1, [1, 2, 3], false],
  ])('%s', (_name, reports, leader, isr, unclean) => {
    const { written } = plan(reports);
    expect(written.leader).toEqual(leader === null ? null : { broker: leader, run: `run-${leader}` });
    expect(written.isr.map(({ broker }) => broker)).toEqual(isr);
    expect(written).toMatchObject({ unclean, minIsr: 2, replicas: [1, 2, 3] });
  });

  it('are in an epoch far above all that are known, the record included', () => {
    expect(plan([report(1, [6, 5, 9]), report(2, [8, 6, 9])]).written.leaderEpoch).toBe(1_008);
    expect(plan([report(1, [1, 1, 9])], recordOf({ leaderEpoch: 40 })).written.leaderEpoch).toBe(1_040);
  });

  it('a replica that the restored record does not assign leads when nobody else holds as much, and is assigned', () => {
    const { written } = plan([report(1, [5, 5, 9]), report(2, null), report(3, null), report(4, [7, 7, 9])]);
    expect(written).toMatchObject({
      replicas: [1, 2, 3, 4],
      leader: { broker: 4 },
      isr: [{ broker: 4, logId: 'log-4' }],
    });
  });

  it('let no folder go', () => {
    expect(plan([report(1, [6, 6, 9])], recordOf({ removed: [4] })).written.removed).toBeUndefined();
  });

  it("rely on the record as it was read and on the leader's registration", () => {
    const { records } = plan([report(1, [6, 6, 9]), report(2, [6, 6, 8]), report(3, [6, 6, 8])]);
    expect(records[0]!.compare.map(({ key }) => key)).toEqual([KEYS.partition('id-letters', 0), KEYS.broker(1)]);
  });
});

describe('the beginning of a new generation', () => {
  it('raises the producer ids above all that were given out, and the generation', () => {
    const [ids, generation] = plan([report(1, null, 5_000), report(2, null, 7_000)]).beginning.success;
    const idsValue = (ids as { value: Uint8Array }).value;
    expect(producerIdsCodec.decode(idsValue, 'ids').nextProducerId).toBe(1_007_000);
    expect(generationCodec.decode((generation as { value: Uint8Array }).value, 'generation').generation).toBe(5);
  });

  it('waits for every broker that is registered or assigned', () => {
    expect(plan([report(1, null), report(3, null)]).missing).toEqual([2, 4]);
    const before = recordOf({ replicas: [1, 7] });
    expect(
      plan(
        [1, 2, 3, 4].map((id) => report(id, null)),
        before,
      ).missing,
    ).toEqual([7]);
  });
});
