import fc from 'fast-check';
import { PersistentMap } from '../src/image/persistent-map';

const key = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.stringMatching(/^[a-d]{1,3}$/));
const change = fc.tuple(key, fc.option(fc.nat()));
type Key = string | number;

function apply(map: PersistentMap<Key, number>, changes: readonly (readonly [Key, number | null])[]) {
  const edit = map.edit();
  for (const [at, value] of changes) {
    if (value === null) edit.delete(at);
    else edit.set(at, value);
    expect(edit.get(at)).toBe(value ?? undefined);
  }
  return edit.done();
}

describe('persistent map', () => {
  it('equals a Map after any edits, and earlier versions stay as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 12 }), (edits) => {
        const model = new Map<Key, number>();
        const versions = [{ map: PersistentMap.empty<Key, number>(), expected: new Map(model) }];
        for (const changes of edits) {
          for (const [at, value] of changes) {
            if (value === null) model.delete(at);
            else model.set(at, value);
          }
          versions.push({ map: apply(versions.at(-1)!.map, changes), expected: new Map(model) });
        }
        for (const { map, expected } of versions) {
          expect(new Map(map)).toEqual(expected);
          expect(map.size).toBe(expected.size);
          expect(new Set(map.keys())).toEqual(new Set(expected.keys()));
          expect([...map.values()].sort()).toEqual([...expected.values()].sort());
          for (const [at, value] of expected) expect([map.get(at), map.has(at)]).toEqual([value, true]);
          expect(map.has('absent')).toBe(false);
          let count = 0;
          map.forEach((value, at, whole) => {
            expect(whole.get(at)).toBe(value);
            count++;
          });
          expect(count).toBe(map.size);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('an edit without changes gives the same map', () => {
    const map = apply(PersistentMap.empty<Key, number>(), [['a', 1]]);
    expect(map.edit().done()).toBe(map);
    expect(apply(map, [['b', null]])).toBe(map);
  });

  it('iterates equal contents made in the same way in the same order', () => {
    const build = () =>
      apply(
        PersistentMap.empty<Key, number>(),
        Array.from({ length: 500 }, (_, at) => [`k${at * 7}`, at]),
      );
    expect([...build().keys()]).toEqual([...build().keys()]);
  });
});
