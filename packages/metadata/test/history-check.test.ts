import { ManualClock } from '@ottla/runtime';
import { CompactedError } from '../src/errors';
import { checkHistory, type HistoryReader, type Witness } from '../src/etcd/history-check';
import { StoreMachine } from '../src/machine/store-machine';
import { MemoryStore } from '../src/memory/memory-store';
import type { Op } from '../src/store';

const put = (key: string, value: string): Op => ({ type: 'put', key, value: Buffer.from(value) });
const remove = (key: string): Op => ({ type: 'delete', key });

/** A store with these transactions behind it, read as etcd is. */
async function storeOf(...txns: Op[]): Promise<{ store: MemoryStore; reader: HistoryReader }> {
  const store = new MemoryStore({ clock: new ManualClock() });
  for (const op of txns) await store.txn({ compare: [], success: [op] });
  const reader: HistoryReader = {
    read: async (key, revision) => {
      const machine = StoreMachine.fromSnapshot(store.backup(), 0);
      if (revision > machine.revision) return null;
      if (revision > 0 && revision < machine.compactRevision) throw new CompactedError(machine.compactRevision);
      const found = machine.getAt(Buffer.from(key).toString('latin1') as never, revision || machine.revision);
      return { revision: machine.revision, kv: found as never };
    },
  };
  return { store, reader };
}

const deleted = (key: string, revision: number): Witness => ({ type: 'delete', key, revision });

describe('the history of a store, by the last event that was applied', () => {
  // Revision 2 puts a, 3 puts b, 4 deletes a.
  const past = [put('a', '1'), put('b', '1'), remove('a')];

  it.each<[string, Op[], string]>([
    ['the very same', past, 'same'],
    ['the same, and more since', [...past, put('c', '1')], 'same'],
    ['restored to before the deletion, other things since', [put('a', '1'), put('b', '1'), put('c', '1')], 'changed'],
    ['restored, and the key deleted later', [put('a', '1'), put('b', '1'), put('c', '1'), remove('a')], 'changed'],
    ['restored, and the key deleted earlier', [put('a', '1'), remove('a'), put('c', '1')], 'changed'],
    ['its revision went back', [put('a', '1')], 'changed'],
  ])('%s', async (_name, txns, expected) => {
    const { reader } = await storeOf(...txns);
    expect((await checkHistory(reader, 4, deleted('a', 4), '\0')).kind).toBe(expected);
  });

  it('that is compacted away is unknown: a snapshot has to tell', async () => {
    const { store, reader } = await storeOf(...past, put('c', '1'));
    await store.compact(5);
    expect(await checkHistory(reader, 4, deleted('a', 4), '\0')).toEqual({ kind: 'unknown', compactRevision: 5 });
  });
});
