import { planPartitionChanges } from '../src/core/partitions/plan-partitions';
import { KEYS, stateOf } from './controller-fixtures';
import { type BrokerState, record, registration, replica, replicas, topic, versioned } from './fixtures';

const UNCLEAN = { 'unclean.leader.election.enable': 'true' };

/** The guards on registrations of the one change that these brokers and this record lead to, as `broker=mod revision`. */
function guardsOf(
  brokers: Readonly<Record<number, BrokerState>>,
  fields: Parameters<typeof record>[0],
  configs: Record<string, string> = UNCLEAN,
): string[] {
  const [change, ...others] = planPartitionChanges(
    stateOf({
      brokers: Object.entries(brokers).map(([id, state]) =>
        versioned(registration(Number(id), state), 20 + Number(id)),
      ),
      topics: [versioned(topic('t', 1, configs))],
      partitions: { 'id-t': [[0, versioned(record(fields), 7)]] },
    }),
    100_000,
  );
  expect(others).toEqual([]);
  const guards = change!.compare.filter(({ key }) => key.startsWith(KEYS.brokers()));
  return guards.map((guard) => `${guard.key.slice(KEYS.brokers().length)}=${'equals' in guard ? guard.equals : '?'}`);
}

describe('an election that could lose something', () => {
  it('unclean: refused when somebody who was in sync or eligible has registered meanwhile', () => {
    const fields = { leader: null, isr: replicas('1'), elr: replicas('2'), minIsr: 2 };
    expect(guardsOf({ 3: 'up' }, fields)).toEqual(['3=23', '1=0', '2=0']);
  });

  it('unclean: refused when somebody who came back without its log is registered anew', () => {
    const fields = { leader: null, isr: replicas('1'), elr: [], minIsr: 1, lastKnownLeader: null };
    expect(guardsOf({ 1: 'wiped', 3: 'up' }, { ...fields, replicas: [3, 1] })).toEqual(['3=23', '1=21']);
  });

  it('of the last known leader: refused when another who was eligible has registered meanwhile', () => {
    const fields = { leader: null, isr: [], elr: replicas('2:gone'), minIsr: 2, lastKnownLeader: replica('1') };
    expect(guardsOf({ 1: 'up', 2: 'up' }, fields, {})).toEqual(['1=21', '2=22']);
  });

  it('of a replica in sync: relies on nobody but the elected one', () => {
    expect(guardsOf({ 2: 'up', 3: 'up' }, { isr: replicas('1 2') })).toEqual(['2=22']);
  });
});
