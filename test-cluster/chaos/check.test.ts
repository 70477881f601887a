import { check, type PartitionEvidence } from './check';

const NONE: PartitionEvidence = { name: 't-0', acknowledged: [], readBack: [], consumed: [] };

const log = (...sequences: (number | null)[]) => sequences.map((sequence, offset) => ({ offset, sequence }));
const readBack = (...sequences: (number | null)[]) => [
  { client: 'a', records: log(...sequences) },
  { client: 'b', records: log(...sequences) },
];
const acknowledged = (...offsets: number[]) => offsets.map((offset, sequence) => ({ sequence, offset, at: sequence }));

describe('check', () => {
  it.each<[string, Partial<PartitionEvidence>, string[]]>([
    ['all there, once, in order', { acknowledged: acknowledged(0, 1), readBack: readBack(0, 1) }, []],
    ['a record that was never acknowledged is there', { acknowledged: acknowledged(0), readBack: readBack(0, 1) }, []],
    ['one that was given up left a hole', { readBack: readBack(0, 2) }, []],
    ['an acknowledgement that did not say where', { acknowledged: acknowledged(-1), readBack: readBack(0) }, []],
    ['the last acknowledged record is gone', { acknowledged: acknowledged(0, 1), readBack: readBack(0) }, ['lost']],
    ['it is elsewhere', { acknowledged: acknowledged(0, 2), readBack: readBack(0, 1) }, ['lost']],
    ['a record twice', { readBack: readBack(0, 1, 1) }, ['duplicated']],
    ['a record twice, not in a row', { readBack: readBack(0, 1, 0) }, ['duplicated']],
    ['two in the wrong order', { readBack: readBack(1, 0) }, ['reordered']],
    ['a value that nobody sent', { readBack: readBack(0, null) }, ['changed']],
    [
      'two clients read different logs',
      {
        readBack: [
          { client: 'a', records: log(0, 1) },
          { client: 'b', records: log(0, 2, 3) },
        ],
      },
      ['changed', 'changed'],
    ],
    [
      'a consumer was given what is no longer there',
      { readBack: readBack(0), consumed: [{ client: 'a', reads: log(0, 1), rewound: [] }] },
      ['changed'],
    ],
    [
      'a consumer was given another record',
      { readBack: readBack(0, 1), consumed: [{ client: 'a', reads: log(0, 2), rewound: [] }] },
      ['changed'],
    ],
    [
      'a consumer was given one twice after a rebalance, and one not at all',
      {
        readBack: readBack(0, 1, 2),
        consumed: [{ client: 'a', reads: [...log(0, 1), ...log(0, 1)], rewound: [] }],
      },
      ['skipped'],
    ],
    [
      'a consumer was sent back behind its commit',
      { readBack: readBack(0), consumed: [{ client: 'a', reads: log(0), rewound: [{ offset: 0, committed: 1 }] }] },
      ['rewound'],
    ],
  ])('%s', (_, evidence, flaws) => {
    expect(check({ ...NONE, ...evidence }).map(({ flaw }) => flaw)).toEqual(flaws);
  });

  it('a finding says where', () => {
    const [finding] = check({ ...NONE, acknowledged: acknowledged(7), readBack: readBack() });
    expect(finding!.sentence).toBe('t-0: lost: record 0, acknowledged at offset 7');
  });
});
