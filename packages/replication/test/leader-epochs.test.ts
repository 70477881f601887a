import fc from 'fast-check';
import { LeaderEpochs } from '../src/index';

const entries = (epochs: LeaderEpochs) => epochs.entries().map(({ epoch, startOffset }) => [epoch, startOffset]);
const of = (...list: [number, number][]) =>
  LeaderEpochs.from(list.map(([epoch, startOffset]) => ({ epoch, startOffset })));

describe('LeaderEpochs.assign', () => {
  it.each<[string, [number, number][], [number, number], [number, number][], boolean]>([
    ['the first epoch', [], [3, 0], [[3, 0]], true],
    [
      'a later epoch',
      [[3, 0]],
      [5, 10],
      [
        [3, 0],
        [5, 10],
      ],
      true,
    ],
    ['more of the latest epoch', [[3, 0]], [3, 10], [[3, 0]], false],
    [
      'an epoch where one without a batch had begun',
      [
        [3, 0],
        [5, 10],
      ],
      [6, 10],
      [
        [3, 0],
        [6, 10],
      ],
      true,
    ],
    [
      'older batches where an epoch without a batch had begun',
      [
        [3, 0],
        [5, 10],
      ],
      [3, 10],
      [[3, 0]],
      true,
    ],
    [
      'an epoch in between, where a later one had begun',
      [
        [3, 0],
        [5, 10],
      ],
      [4, 10],
      [
        [3, 0],
        [4, 10],
      ],
      true,
    ],
  ])('%s', (_name, before, [epoch, startOffset], after, changes) => {
    const epochs = of(...before);
    expect(epochs.assign(epoch, startOffset)).toBe(changes);
    expect(entries(epochs)).toEqual(after);
  });
});

describe('LeaderEpochs.endOffsetFor', () => {
  const epochs = of([2, 10], [4, 20], [7, 30]);

  it.each<[string, number, { epoch: number; endOffset: number }]>([
    ['a known epoch ended where the next began', 2, { epoch: 2, endOffset: 20 }],
    ['the last epoch ends with the log', 7, { epoch: 7, endOffset: 35 }],
    ['an epoch that was never here: the next lower one', 5, { epoch: 4, endOffset: 30 }],
    ['an epoch later than all: the last one', 9, { epoch: 7, endOffset: 35 }],
    ['an epoch earlier than all: none, from where the known part begins', 1, { epoch: -1, endOffset: 10 }],
  ])('%s', (_name, epoch, expected) => {
    expect(epochs.endOffsetFor(epoch, 35)).toEqual(expected);
  });

  it('an empty log knows no epoch', () => {
    expect(of().endOffsetFor(3, 0)).toEqual({ epoch: -1, endOffset: 0 });
  });

  it('what is assigned behind the confirmed end is left out', () => {
    expect(epochs.endOffsetFor(4, 25)).toEqual({ epoch: 4, endOffset: 25 });
  });
});

describe('LeaderEpochs.epochAt', () => {
  it.each([
    [9, -1],
    [10, 2],
    [19, 2],
    [20, 4],
    [500, 7],
  ])('offset %i is of epoch %i', (offset, epoch) => {
    expect(of([2, 10], [4, 20], [7, 30]).epochAt(offset)).toBe(epoch);
  });
});

describe('LeaderEpochs truncation', () => {
  it.each<[number, [number, number][]]>([
    [
      35,
      [
        [2, 10],
        [4, 20],
        [7, 30],
      ],
    ],
    [
      30,
      [
        [2, 10],
        [4, 20],
      ],
    ],
    [15, [[2, 10]]],
    [10, []],
  ])('cut to end at %i', (offset, after) => {
    const epochs = of([2, 10], [4, 20], [7, 30]);
    epochs.truncateFromEnd(offset);
    expect(entries(epochs)).toEqual(after);
  });

  it.each<[number, [number, number][]]>([
    [
      5,
      [
        [2, 10],
        [4, 20],
      ],
    ],
    [
      15,
      [
        [2, 15],
        [4, 20],
      ],
    ],
    [20, [[4, 20]]],
    [99, [[4, 99]]],
  ])('cut to start at %i', (offset, after) => {
    const epochs = of([2, 10], [4, 20]);
    epochs.truncateFromStart(offset);
    expect(entries(epochs)).toEqual(after);
  });

  it('a clone keeps what its original loses', () => {
    const epochs = of([2, 10], [4, 20]);
    const clone = epochs.clone();
    epochs.truncateFromEnd(10);
    epochs.assign(9, 10);
    expect(entries(clone)).toEqual([
      [2, 10],
      [4, 20],
    ]);
  });
});

describe('LeaderEpochs, whatever is assigned and cut', () => {
  const step = fc.tuple(fc.constantFrom('assign', 'end', 'start'), fc.nat(20), fc.nat(50));

  it('grows strictly in epoch and in start offset', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const epochs = of();
        for (const [kind, epoch, offset] of steps) {
          if (kind === 'assign') epochs.assign(epoch, offset);
          else if (kind === 'end') epochs.truncateFromEnd(offset);
          else epochs.truncateFromStart(offset);
          const list = epochs.entries();
          for (const [index, entry] of list.entries()) {
            const previous = list[index - 1];
            if (previous === undefined) continue;
            expect(entry.epoch).toBeGreaterThan(previous.epoch);
            expect(entry.startOffset).toBeGreaterThan(previous.startOffset);
          }
          expect(entries(LeaderEpochs.from(list))).toEqual(entries(epochs));
        }
      }),
    );
  });
});
