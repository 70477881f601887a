import type { ErrorName, OttlaError } from '@ottla/protocol';
import fc from 'fast-check';
import { ProducerState } from '../src/index';
import { type BatchShape, batch } from './cluster/batches';

const LAST = 2 ** 31 - 1;
const DAY = 86_400_000;

/** A state in which producer 7 has written these. */
function having(...batches: BatchShape[]): ProducerState {
  const state = new ProducerState(DAY);
  let baseOffset = 0;
  for (const shape of batches) {
    const header = batch({ producerId: 7, ...shape, baseOffset });
    state.record(header, 1000);
    baseOffset += header.recordCount;
  }
  return state;
}

function outcome(state: ProducerState, shape: BatchShape, now = 2000, earlierMayBeGone = false): string {
  try {
    const check = state.check(batch({ producerId: 7, ...shape }), now, earlierMayBeGone);
    return check.kind === 'new' ? 'new' : `duplicate of ${check.baseOffset} to ${check.lastOffset}`;
  } catch (error) {
    return (error as OttlaError).code satisfies ErrorName;
  }
}

describe('ProducerState.check', () => {
  const one = having({ baseSequence: 0, records: 3 });
  const wrapping = having({ baseSequence: LAST - 1, records: 2 });

  it.each<[string, ProducerState, BatchShape, string]>([
    ['not idempotent', one, { producerId: -1, baseSequence: -1 }, 'new'],
    ['unknown, from 0', new ProducerState(), { baseSequence: 0 }, 'new'],
    ['unknown, not from 0', new ProducerState(), { baseSequence: 4 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['the next', one, { baseSequence: 3 }, 'new'],
    ['the same again', one, { baseSequence: 0, records: 3 }, 'duplicate of 0 to 2'],
    ['a part of one that is there', one, { baseSequence: 0, records: 2 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['a gap', one, { baseSequence: 4 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['a later epoch from 0', one, { baseSequence: 0, producerEpoch: 1 }, 'new'],
    ['a later epoch, not from 0', one, { baseSequence: 3, producerEpoch: 1 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['an earlier epoch', having({ baseSequence: 0, producerEpoch: 2 }), { baseSequence: 1 }, 'INVALID_PRODUCER_EPOCH'],
    ['0 after the last sequence', wrapping, { baseSequence: 0 }, 'new'],
    ['a batch across the wrap, then the next', having({ baseSequence: LAST, records: 3 }), { baseSequence: 2 }, 'new'],
    [
      'a batch across the wrap again',
      having({ baseSequence: LAST, records: 3 }),
      { baseSequence: LAST, records: 3 },
      'duplicate of 0 to 2',
    ],
  ])('%s', (_name, state, shape, expected) => {
    expect(outcome(state, shape)).toBe(expected);
  });

  it('the last five batches are recognised, the sixth is not', () => {
    const state = having(...[0, 1, 2, 3, 4, 5].map((baseSequence) => ({ baseSequence })));
    for (const baseSequence of [1, 2, 3, 4, 5]) {
      expect(outcome(state, { baseSequence })).toBe(`duplicate of ${baseSequence} to ${baseSequence}`);
    }
    expect(outcome(state, { baseSequence: 0 })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('unknown, not from 0, where earlier records may have been deleted: accepted', () => {
    expect(outcome(new ProducerState(), { baseSequence: 4 }, 2000, true)).toBe('new');
  });

  it('a gap of a known producer stays a gap, deleted records or not', () => {
    expect(outcome(one, { baseSequence: 9 }, 2000, true)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });
});

describe('ProducerState expiry', () => {
  it('a producer that expired is recognised until it is forgotten', () => {
    const state = having({ baseSequence: 0, producerEpoch: 3 });
    expect(outcome(state, { baseSequence: 0, producerEpoch: 3 }, 1000 + DAY)).toBe('duplicate of 0 to 0');
    expect(outcome(state, { baseSequence: 0, producerEpoch: 2 }, 1000 + DAY - 1)).toBe('INVALID_PRODUCER_EPOCH');
    expect(outcome(state, { baseSequence: 5, producerEpoch: 2 }, 1000 + DAY)).toBe('new');
  });

  it('a producer that expired may go on where it was', () => {
    const state = having({ baseSequence: 0 });
    expect(outcome(state, { baseSequence: 8 }, 1000 + DAY - 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(outcome(state, { baseSequence: 8 }, 1000 + DAY)).toBe('new');
  });

  it('once one has expired, an unknown producer may be one that has', () => {
    const state = having({ baseSequence: 0 });
    state.expire(1000 + DAY - 1);
    expect(state.size).toBe(1);
    state.expire(1000 + DAY);
    expect(state.size).toBe(0);
    expect(outcome(state, { baseSequence: 8 }, 1001 + DAY)).toBe('new');
    expect(outcome(state.clone(), { producerId: 9, baseSequence: 8 }, 1001 + DAY)).toBe('new');
  });

  it('what an expired producer had sent is forgotten when it goes on', () => {
    const state = having({ baseSequence: 4 });
    const again = { baseSequence: 2, baseOffset: 9, timestamp: 1000 + DAY };
    state.record(batch({ producerId: 7, ...again }), 1000 + DAY);
    expect(outcome(state, { baseSequence: 3 }, 1001 + DAY)).toBe('new');
    expect(outcome(state, { baseSequence: 4 }, 1001 + DAY)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('what was recorded without a time expires by its own timestamp', () => {
    const state = new ProducerState(DAY);
    state.record(batch({ producerId: 7, baseSequence: 0, timestamp: 5000 }));
    state.expire(5000 + DAY - 1);
    expect(state.size).toBe(1);
    state.expire(5000 + DAY);
    expect(state.size).toBe(0);
  });
});

describe('ProducerState snapshots', () => {
  it('a snapshot holds all that is known, and a state made of it answers the same', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ producer: fc.nat(2), records: fc.integer({ min: 1, max: 4 }) })), (writes) => {
        const state = new ProducerState(DAY);
        const next = [0, 0, 0];
        let baseOffset = 0;
        for (const { producer, records } of writes) {
          state.record(batch({ producerId: producer, baseSequence: next[producer]!, records, baseOffset }), 1000);
          next[producer]! += records;
          baseOffset += records;
        }
        const again = ProducerState.fromSnapshot(state.toSnapshot(), DAY);
        expect(again.toSnapshot()).toEqual(state.toSnapshot());
        for (const producerId of [0, 1, 2]) {
          for (let baseSequence = 0; baseSequence < 8; baseSequence++) {
            const shape = { producerId, baseSequence, records: 2 };
            expect(outcome(again, shape)).toBe(outcome(state, shape));
          }
        }
      }),
    );
  });

  it('a clone keeps what its original goes on with', () => {
    const state = having({ baseSequence: 0 });
    const clone = state.clone();
    state.record(batch({ producerId: 7, baseSequence: 1, baseOffset: 1 }));
    expect(outcome(clone, { baseSequence: 1 })).toBe('new');
    expect(outcome(state, { baseSequence: 1 })).toBe('duplicate of 1 to 1');
  });
});
