import { offsetsForward } from '../../src/checkers/outside/offsets-forward';
import { PARTITION, Script, seen, uncleanAt } from './histories';

interface Told {
  readonly offset: number;
  readonly epoch: number;
  readonly which?: 'latest' | 'earliest';
  /** Asked before the answer above came. */
  readonly early?: boolean;
}

function told(...answers: readonly Told[]): Script {
  const script = new Script();
  for (const { offset, epoch, which = 'latest', early } of answers) {
    const sent = early ? 0 : script.recorder.mark;
    const where = { client: 'c', broker: 1, sent, ...PARTITION };
    script.add({ type: 'offset-told', ...where, which, leaderEpoch: epoch, offset });
  }
  return script;
}

const highWatermark = (script: Script, value: number, epoch: number): Script =>
  script.read([], { leaderEpoch: epoch, highWatermark: value });

describe('offsets forward', () => {
  it.each([
    ['the latest grows', told({ offset: 1, epoch: 1 }, { offset: 2, epoch: 1 }, { offset: 2, epoch: 2 })],
    ['two questions overlap', told({ offset: 5, epoch: 1 }, { offset: 4, epoch: 1, early: true })],
    ['a deposed leader answers late', told({ offset: 5, epoch: 2 }, { offset: 4, epoch: 1 })],
    ['the high watermark of a new leader is behind', highWatermark(highWatermark(new Script(), 5, 1), 3, 2)],
    [
      'the earliest offset of a new leader is behind',
      told({ offset: 5, epoch: 1, which: 'earliest' }, { offset: 0, epoch: 2, which: 'earliest' }),
    ],
  ])('%s: fine', (_situation, script) => {
    expect(offsetsForward(seen(script))).toEqual([]);
  });

  it.each([
    ['the latest goes back within an epoch', told({ offset: 5, epoch: 1 }, { offset: 4, epoch: 1 })],
    ['the latest goes back from one leader to the next', told({ offset: 5, epoch: 1 }, { offset: 4, epoch: 2 })],
    ['the next leader had answered too early', told({ offset: 4, epoch: 2 }, { offset: 5, epoch: 1 })],
    [
      'the latest is below what was read',
      told({ offset: 0, epoch: 1 })
        .read([{}, {}])
        .add({
          type: 'offset-told',
          client: 'c',
          broker: 1,
          sent: 2,
          which: 'latest',
          leaderEpoch: 2,
          offset: 1,
          ...PARTITION,
        }),
    ],
    ['a high watermark goes back within an epoch', highWatermark(highWatermark(new Script(), 5, 1), 4, 1)],
    [
      'the earliest goes back within an epoch',
      told({ offset: 5, epoch: 1, which: 'earliest' }, { offset: 4, epoch: 1, which: 'earliest' }),
    ],
  ])('%s: found', (_situation, script) => {
    expect(offsetsForward(seen(script)).map(({ invariant }) => invariant)).toContain('4 offsets');
  });

  it('an epoch that began uncleanly may begin lower', () => {
    expect(offsetsForward(seen(told({ offset: 5, epoch: 1 }, { offset: 4, epoch: 2 }), uncleanAt(1)))).toEqual([]);
  });
});
