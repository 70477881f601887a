import { exactlyOnce } from '../../src/checkers/outside/exactly-once';
import { expectedErrors } from '../../src/checkers/outside/expected-errors';
import { oneRecordPerPlace } from '../../src/checkers/outside/one-record-per-place';
import { producerIdsOnce } from '../../src/checkers/outside/producer-ids';
import { messages, PARTITION, Script, seen, uncleanAt, valueNumbered } from './histories';

/** A log of one producer's records: [number, sequence]. */
function log(...records: readonly (readonly [number: number, sequence: number])[]): Script {
  const script = new Script();
  const producer = { producerId: 7, producerEpoch: 0 };
  for (const [number, sequence] of records) script.sent(number, [number], { ...producer, baseSequence: sequence });
  return script.read(records.map(([number, sequence]) => ({ value: valueNumbered(number), ...producer, sequence })));
}

describe('exactly once', () => {
  it('records are there once and in sequence: fine', () => {
    expect(exactlyOnce(seen(log([0, 0], [1, 1], [2, 2])))).toEqual([]);
  });

  it.each([
    ['a record is there twice', log([0, 0], [1, 1], [0, 0]), 'is also at offset 0'],
    ['sequences are out of order', log([0, 0], [2, 2], [1, 1]), 'is missing before it'],
    ['a sequence is used twice', log([0, 0], [1, 0]), 'behind sequence 0'],
    ['a sequence is missing', log([0, 0], [2, 2]), '1 is missing before it'],
  ])('%s: found', (_situation, script, told) => {
    expect(messages(exactlyOnce(seen(script))).join()).toContain(told);
  });

  it('where records may vanish a sequence may be missing, but nothing may be there twice', () => {
    expect(exactlyOnce(seen(log([0, 0], [2, 2]), uncleanAt(1)))).toEqual([]);
    expect(exactlyOnce(seen(log([0, 0], [0, 0]), uncleanAt(1)))).toHaveLength(1);
  });

  it('what was cut with an unclean election, and lies behind what came later, does not count', () => {
    const producer = { producerId: 7, producerEpoch: 0 };
    const script = new Script().read([0, 1, 2].map((sequence) => ({ ...producer, sequence })));
    script.read([{ ...producer, value: valueNumbered(5), sequence: 5 }], { leaderEpoch: 2 });
    expect(exactlyOnce(seen(script, uncleanAt(1)))).toEqual([]);
  });

  it('a batch that was still sent after the producer expired may be there twice', () => {
    const idempotent = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
    const script = new Script().sent(1, [0], idempotent).wait(5_000).sent(1, [0], idempotent);
    script.read([0, 1].map(() => ({ value: valueNumbered(0), producerId: 7, producerEpoch: 0, sequence: 0 })));
    expect(exactlyOnce(seen(script, undefined, 60_000))).toHaveLength(1);
    expect(exactlyOnce(seen(script, undefined, 4_000))).toEqual([]);
  });

  it('a batch that had waited so long that its producer may have expired by its timestamp may be there twice', () => {
    const idempotent = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
    const twice = (madeAt: number): Script => {
      const script = new Script().wait(4_000).sent(1, [0], { ...idempotent, madeAt });
      script.wait(2_000).sent(1, [0], { ...idempotent, madeAt });
      return script.read([0, 1].map(() => ({ value: valueNumbered(0), producerId: 7, producerEpoch: 0, sequence: 0 })));
    };
    expect(exactlyOnce(seen(twice(3_900), undefined, 3_000))).toHaveLength(1);
    expect(exactlyOnce(seen(twice(1_000), undefined, 3_000))).toEqual([]);
  });

  const refused = (over: object = {}): Script => {
    const script = new Script().sent(2, [1], { producerId: 7, producerEpoch: 0, baseSequence: 1 });
    const what = { batch: 2, broker: 1, error: 'OUT_OF_ORDER_SEQUENCE_NUMBER', oldest: true, idleMs: 50, ...over };
    return script.add({ type: 'produce-refused', client: 'p', sent: 1, ...what, ...PARTITION });
  };

  it('a producer that goes on where it was acknowledged is told that its sequence is wrong: found', () => {
    expect(messages(exactlyOnce(seen(refused())))[0]).toContain('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it.each([
    ['an earlier batch is still under way', refused({ oldest: false })],
    ['it had been silent for longer than it is remembered', refused({ idleMs: 90_000 })],
    ['the refusal is another', refused({ error: 'NOT_LEADER_OR_FOLLOWER' })],
  ])('%s: fine', (_situation, script) => {
    expect(exactlyOnce(seen(script))).toEqual([]);
  });
});

describe('producer ids', () => {
  const issued = (...ids: readonly number[]): Script => {
    const script = new Script();
    for (const producerId of ids) {
      script.add({ type: 'producer-id-issued', client: 'p', sent: 0, producerId, producerEpoch: 0 });
    }
    return script;
  };

  it('each producer has its own: fine', () => {
    expect(producerIdsOnce(seen(issued(1, 2, 3)))).toEqual([]);
  });

  it('one is issued twice: found, also after an unclean election', () => {
    expect(producerIdsOnce(seen(issued(1, 2, 1), uncleanAt(1)))).toHaveLength(1);
  });
});

describe('expected errors', () => {
  const refused = (error: string): Script => {
    const what = { batch: 1, broker: 1, error, oldest: true, idleMs: 0, ...PARTITION };
    return new Script().add({ type: 'produce-refused', client: 'p', sent: 0, ...what });
  };

  it('the cluster has trouble: fine', () => {
    expect(expectedErrors(seen(refused('NOT_ENOUGH_REPLICAS')))).toEqual([]);
  });

  it('the broker did not know what to say: found', () => {
    expect(expectedErrors(seen(refused('UNKNOWN_SERVER_ERROR')))).toHaveLength(1);
  });
});

describe('one record per place', () => {
  it('an offset has one record in each leader epoch: fine', () => {
    const script = new Script()
      .read([{}])
      .read([{}])
      .read([{ value: valueNumbered(5), leaderEpoch: 2 }]);
    expect(oneRecordPerPlace(seen(script))).toEqual([]);
  });

  it('an offset has two records of one leader epoch: found', () => {
    const script = new Script().read([{}]).read([{ value: valueNumbered(5) }]);
    expect(oneRecordPerPlace(seen(script, uncleanAt(1)))).toHaveLength(1);
  });
});
