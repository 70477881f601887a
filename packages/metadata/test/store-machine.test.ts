import fc from 'fast-check';
import { type KeyRange, keysBelow, keysFrom, oneKey } from '../src/machine/key-range';
import type { Guard, MachineRecord, Operation, Transaction } from '../src/machine/requests';
import { type MachineSnapshot, StoreMachine } from '../src/machine/store-machine';

const NAMES = ['a', 'a/1', 'a/2', 'b', 'b/1', 'c'];
const everything = keysFrom('', null);
const name = fc.constantFrom(...NAMES);
const range: fc.Arbitrary<KeyRange> = fc.oneof(name.map(oneKey), fc.constantFrom('a', 'a/', 'b').map(keysBelow));

type Action =
  | { type: 'transact'; transaction: Transaction }
  | { type: 'grant'; lease: string }
  | { type: 'revoke'; at: number }
  | { type: 'compact'; back: number };

const put = (lease: fc.Arbitrary<string>): fc.Arbitrary<Operation> =>
  fc.record({ type: fc.constant('put' as const), key: name, value: fc.uint8Array({ maxLength: 3 }), lease });
const remove: fc.Arbitrary<Operation> = fc.record({ type: fc.constant('delete' as const), range });
const operations = (leases: string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.array(put(fc.constantFrom('0', ...leases)), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(remove, { maxLength: 2 }) },
  );
const guard: fc.Arbitrary<Guard> = fc.record({
  range,
  relation: fc.constantFrom('equal' as const, 'greater' as const, 'less' as const, 'not-equal' as const),
  target: fc.constantFrom('version' as const, 'create' as const, 'mod' as const),
  operand: fc.integer({ min: 0, max: 8 }),
});
const LEASES = ['11', '12', '13'];
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('transact' as const),
      transaction: fc.record({
        guards: fc.array(guard, { maxLength: 2 }),
        success: operations(LEASES),
        failure: operations(LEASES),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('grant' as const), lease: fc.constantFrom(...LEASES) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('revoke' as const), at: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(4) }) },
);

/** Refusals are part of the game: they must change nothing. */
function perform(machine: StoreMachine, one: Action): MachineRecord[] {
  const before = machine.revision;
  try {
    switch (one.type) {
      case 'transact':
        return [machine.transact(one.transaction).record].filter((record) => record !== null);
      case 'grant':
        return [machine.grant(one.lease, 1_000, 0)];
      case 'revoke':
        return machine.revoke(LEASES[one.at]!);
      case 'compact':
        return [machine.compact(machine.revision - one.back)];
    }
  } catch (error) {
    expect((error as Error).name).toBe('MachineError');
    expect(machine.revision).toBe(before);
    return [];
  }
}

/** Everything that can be asked of a machine. */
function observable(machine: StoreMachine): object {
  const past = [];
  for (let revision = Math.max(machine.compactRevision, 1); revision <= machine.revision; revision++) {
    past.push(machine.range({ range: everything, revision, limit: 0 }));
  }
  const leases = [...machine.leases()].map(({ id, ttlMs, keys }) => ({ id, ttlMs, keys: [...keys].sort() }));
  return {
    past,
    revision: machine.revision,
    compactRevision: machine.compactRevision,
    commits: [...machine.history.from(machine.compactRevision)],
    leases: leases.sort((a, b) => (a.id < b.id ? -1 : 1)),
    liveCount: machine.liveCount,
  };
}

describe('store machine', () => {
  it('replaying its records, or a snapshot and the records after it, builds the same machine', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.nat(40), (actions, snapshotAt) => {
        const machine = new StoreMachine();
        const records: MachineRecord[] = [];
        let snapshot: { state: MachineSnapshot; records: number } = { state: machine.snapshot(), records: 0 };
        actions.forEach((one, index) => {
          records.push(...perform(machine, one));
          if (index === snapshotAt) snapshot = { state: machine.snapshot(), records: records.length };
        });
        const replayed = new StoreMachine();
        for (const record of records) replayed.replay(record, 0);
        expect(observable(replayed)).toEqual(observable(machine));
        const restored = StoreMachine.fromSnapshot(snapshot.state, 0);
        for (const record of records.slice(snapshot.records)) restored.replay(record, 0);
        expect(observable(restored)).toEqual(observable(machine));
      }),
    );
  });

  it('reads at any kept revision what was live then', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const machine = new StoreMachine();
        const states = new Map([[1, [] as unknown[]]]);
        for (const one of actions) {
          perform(machine, one);
          states.set(machine.revision, [...machine.range({ range: everything, revision: 0, limit: 0 }).kvs]);
        }
        for (const [revision, kvs] of states) {
          if (revision < machine.compactRevision) continue;
          expect(machine.range({ range: everything, revision, limit: 0 }).kvs).toEqual(kvs);
        }
      }),
    );
  });

  it.each([
    ['a revision to come', (machine: StoreMachine) => machine.revision + 1, 'future-revision'],
    ['a compacted revision', () => 2, 'compacted'],
  ])('refuses to read at %s', (_name, revisionOf, kind) => {
    const machine = new StoreMachine();
    for (let round = 0; round < 5; round++) {
      machine.transact({
        guards: [],
        success: [{ type: 'put', key: 'a', value: new Uint8Array(), lease: '0' }],
        failure: [],
      });
    }
    machine.compact(4);
    const read = () => machine.range({ range: everything, revision: revisionOf(machine), limit: 0 });
    expect(read).toThrow(expect.objectContaining({ kind }));
  });

  it('sorts, filters and limits as asked', () => {
    const machine = new StoreMachine();
    for (const key of ['c', 'a', 'b', 'a']) {
      const value = Uint8Array.of(key.charCodeAt(0) ^ 0x0f);
      machine.transact({ guards: [], success: [{ type: 'put', key, value, lease: '0' }], failure: [] });
    }
    const keys = (request: object) =>
      machine.range({ range: everything, revision: 0, limit: 0, ...request }).kvs.map((kv) => kv.key);
    expect(keys({})).toEqual(['a', 'b', 'c']);
    expect(keys({ sort: { by: 'key', descending: true } })).toEqual(['c', 'b', 'a']);
    expect(keys({ sort: { by: 'create', descending: false } })).toEqual(['c', 'a', 'b']);
    expect(keys({ sort: { by: 'mod', descending: true } })).toEqual(['a', 'b', 'c']);
    expect(keys({ sort: { by: 'version', descending: true }, limit: 1 })).toEqual(['a']);
    expect(keys({ sort: { by: 'value', descending: false } })).toEqual(['c', 'b', 'a']);
    expect(keys({ minModRevision: 4 })).toEqual(['a', 'b']);
    expect(keys({ maxCreateRevision: 2 })).toEqual(['c']);
    expect(machine.range({ range: everything, revision: 0, limit: 2 })).toMatchObject({ count: 3, more: true });
    expect(machine.range({ range: everything, revision: 0, limit: 0, countOnly: true })).toEqual({
      kvs: [],
      count: 3,
      more: false,
    });
  });
});
