import type { ControllerEvent } from '@ottla/controller';
import { Fencings } from '../../src/checkers/fencings';

const fenced = (evidence: 'refused' | 'silent', run = 'r2'): ControllerEvent => ({
  type: 'fenced',
  broker: 2,
  run,
  evidence,
});
const wrong: ControllerEvent = { type: 'wrong-guess', broker: 2, run: 'r2' };

describe('fencings', () => {
  const cases: [string, [number, string, ControllerEvent][], number][] = [
    ['a dead process is fenced', [[1, 'b1.1', fenced('refused')]], 0],
    [
      'one wrong guess is allowed',
      [
        [1, 'b1.1', fenced('refused')],
        [2, 'b1.1', wrong],
      ],
      0,
    ],
    [
      'a second refusal counts in spite of it',
      [
        [1, 'b1.1', fenced('refused')],
        [2, 'b1.1', wrong],
        [9, 'b1.1', fenced('refused')],
      ],
      1,
    ],
    [
      'silence counts',
      [
        [2, 'b1.1', wrong],
        [9, 'b1.1', fenced('silent')],
      ],
      0,
    ],
    [
      'another run is trusted',
      [
        [2, 'b1.1', wrong],
        [9, 'b1.1', fenced('refused', 'r3')],
      ],
      0,
    ],
    [
      'another controller knows nothing of it',
      [
        [2, 'b1.1', wrong],
        [9, 'b1.2', fenced('refused')],
      ],
      0,
    ],
    [
      'after the time of distrust refusals count again',
      [
        [2, 'b1.1', wrong],
        [102, 'b1.1', fenced('refused')],
      ],
      0,
    ],
  ];

  it.each(cases)('%s', (_name, events, violations) => {
    const fencings = new Fencings(100);
    const found = events.flatMap(([at, process, event]) => fencings.onEvent(at, process, event));
    expect(found).toHaveLength(violations);
  });

  it('the registration that goes is that of the run that is fenced', () => {
    const gone = new Fencings(100, () => 'r2');
    expect(gone.onEvent(1, 'b1.1', fenced('silent'))).toEqual([]);
    expect(gone.onEvent(2, 'b1.1', fenced('silent', 'r1'))).toMatchObject([{ invariant: '9 bounded fencing' }]);
  });
});
