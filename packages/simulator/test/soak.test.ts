import {
  formatNumberList,
  type MutantOutcome,
  outcomeLine,
  outcomeTable,
  parseNumberList,
  replayCommand,
  shrink,
  Tally,
  withTable,
} from '../src/soak';

describe('lists of numbers', () => {
  it.each([
    ['3', [3]],
    ['3,7-12', [3, 7, 8, 9, 10, 11, 12]],
    ['12-12,3, 3', [3, 12]],
    ['1000-1002,0', [0, 1000, 1001, 1002]],
  ])('%s is read', (text, numbers) => {
    expect(parseNumberList(text)).toEqual(numbers);
  });

  it.each(['', '3,', 'a', '7-3', '-3', '1.5', '0-9999999'])('"%s" is refused, with the form to use', (text) => {
    expect(() => parseNumberList(text)).toThrow('write it like 3,7-12');
  });

  it.each([
    [[], ''],
    [[5], '5'],
    [[5, 6], '5-6'],
    [[12, 3, 7, 8, 9, 9], '3,7-9,12'],
  ])('%p is written in its shortest form', (numbers, text) => {
    expect(formatNumberList(numbers)).toBe(text);
  });

  it('what is written is read back', () => {
    const numbers = [0, 1, 2, 5, 9, 10, 1000, 1001, 1007];
    expect(parseNumberList(formatNumberList(numbers))).toEqual(numbers);
  });
});

describe('shrinking', () => {
  const items = Array.from({ length: 40 }, (_, index) => index);
  /** Fails while all of `needed` take part. */
  const failing = (needed: readonly number[], seen: (readonly number[])[] = []) => ({
    items,
    maxRuns: 1000,
    fails: async (omit: readonly number[]) => {
      seen.push(omit);
      return needed.every((item) => !omit.includes(item));
    },
  });

  it.each([[[]], [[0]], [[39]], [[3, 4]], [[0, 17, 39]], [[1, 2, 3, 20, 21, 30]]])(
    'a failure that needs %p keeps those and nothing else',
    async (needed) => {
      const { omit, isMinimal } = await shrink(failing(needed));
      expect(omit).toEqual(items.filter((item) => !needed.includes(item)));
      expect(isMinimal).toBe(true);
    },
  );

  it('a failure that needs everything loses nothing', async () => {
    const { omit, isMinimal } = await shrink(failing(items));
    expect(omit).toEqual([]);
    expect(isMinimal).toBe(true);
  });

  it('one cause of forty is found in a few runs', async () => {
    const { runs } = await shrink(failing([23]));
    expect(runs).toBeLessThan(20);
  });

  it('when the runs are spent, what was found so far is told, and that it may not be all', async () => {
    const seen: (readonly number[])[] = [];
    const shrunk = await shrink({ ...failing([0, 17, 39], seen), maxRuns: 5 });
    expect(seen).toHaveLength(5);
    expect(shrunk).toMatchObject({ runs: 5, isMinimal: false });
    expect([0, 17, 39].some((item) => shrunk.omit.includes(item))).toBe(false);
  });

  it('when the time is over it stops before the next run', async () => {
    const seen: (readonly number[])[] = [];
    const shrunk = await shrink({ ...failing([5], seen), isOver: () => seen.length >= 2 });
    expect(seen).toHaveLength(2);
    expect(shrunk.isMinimal).toBe(false);
  });

  it('a failure that depends on the order of nothing but sometimes needs more still ends', async () => {
    const { omit } = await shrink({ items, maxRuns: 1000, fails: async (left) => left.length <= 20 });
    expect(omit).toHaveLength(20);
  });
});

describe('the tally of a soak', () => {
  const things = [
    { counter: 'elections', text: 'elections', withinSeeds: 2 },
    { counter: 'fencings', text: 'fencings', withinSeeds: 3 },
  ];
  const run = (seed: number, counters: Record<string, number>) => ({ seed, events: 1000, virtualMs: 500, counters });

  it('counters add up over runs', () => {
    const tally = new Tally();
    tally.add(run(1, { elections: 2 }));
    tally.add(run(2, { elections: 1, fencings: 4 }));
    expect(tally.report(1000)).toEqual([
      '2 seeds in 1.0 s: 2,000 events per second, 1 virtual seconds',
      '  elections  3',
      '  fencings   4',
    ]);
  });

  it('a rare thing that never happened is missed once there were seeds enough', () => {
    const tally = new Tally();
    tally.add(run(1, {}));
    expect(tally.neverHappened(things)).toEqual([]);
    tally.add(run(2, { fencings: 0 }));
    expect(tally.neverHappened(things)).toEqual([things[0]]);
    tally.add(run(3, { elections: 1, fencings: 0 }));
    expect(tally.neverHappened(things)).toEqual([things[1]]);
    tally.add(run(4, { fencings: 1 }));
    expect(tally.neverHappened(things)).toEqual([]);
  });
});

describe('what is said of a mutant', () => {
  const found: MutantOutcome = {
    name: 'acknowledged-on-append',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records.',
    seed: 7,
    seeds: 3,
    virtualMs: 91_240,
    realMs: 2_450,
    violation: { invariant: '4 consumed', at: 12, message: 'offset 3 vanished' },
  };
  const survived: MutantOutcome = { ...found, name: 'immortal', seed: null, seeds: 150, violation: null };

  it('one that was found is told with the command that replays it', () => {
    expect(outcomeLine(found)).toBe(
      'acknowledged-on-append found after 3 seeds, 91.2 virtual s, 2.5 s : npm run sim -- --seed 7 --mutant acknowledged-on-append',
    );
  });

  it('one that was not is said to have survived', () => {
    expect(outcomeLine(survived)).toBe('immortal survived 150 seeds, 91.2 virtual s, 2.5 s');
  });

  it('the table replaces what lay between its markers', () => {
    const table = outcomeTable([found, survived]);
    expect(table.split('\n')).toHaveLength(5);
    expect(table).toContain(
      '| `acknowledged-on-append` | 3 acknowledged | 4 consumed | Acknowledged records. | 7 | 3 |',
    );
    const page = withTable('before\n<!-- mutants -->\nold\n<!-- /mutants -->\nafter', table);
    expect(page).toBe(`before\n<!-- mutants -->\n${table}<!-- /mutants -->\nafter`);
    expect(withTable('no markers', table)).toBeNull();
  });

  it('a replay names the seed, the mutant and what is left out', () => {
    expect(replayCommand(5, null)).toBe('npm run sim -- --seed 5');
    expect(replayCommand(5, 'immortal', '3,7-12')).toBe('npm run sim -- --seed 5 --mutant immortal --omit 3,7-12');
  });
});
