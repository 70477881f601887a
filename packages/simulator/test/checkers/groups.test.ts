import { generationsForward } from '../../src/checkers/outside/generations';
import { groupOffsets } from '../../src/checkers/outside/group-offsets';
import { messages, record, Script, seen, truth, version } from './histories';

const PLACE = { client: 'm', group: 'g', topic: 'orders', partition: 0 };

class GroupScript extends Script {
  commit(name: string, offset: number, answer: 'acked' | 'refused' | 'none' = 'acked', broker = 1): this {
    this.add({ type: 'commit-sent', ...PLACE, offset, commit: name, generation: 1 });
    const told = { client: 'm', sent: this.recorder.mark, group: 'g', commit: name };
    if (answer === 'acked') this.add({ type: 'commit-acked', broker, ...told });
    if (answer === 'refused') this.add({ type: 'commit-refused', ...told, error: 'ILLEGAL_GENERATION' });
    return this;
  }

  told(name: string, offset: number, sent = this.recorder.mark): this {
    return this.add({ type: 'committed-told', ...PLACE, broker: 1, sent, offset, commit: name });
  }
}

describe('committed offsets', () => {
  it.each([
    ['the last acknowledged one', new GroupScript().commit('a', 5).commit('b', 9).told('b', 9)],
    ['one of unknown fate', new GroupScript().commit('a', 5, 'none').commit('b', 9).told('a', 5)],
    ['none, before any', new GroupScript().told('', -1).commit('a', 5)],
    ['the one before, to a question that overlaps', new GroupScript().commit('a', 5).commit('b', 9).told('a', 5, 3)],
  ])('the coordinator tells %s: fine', (_situation, script) => {
    expect(groupOffsets(seen(script))).toEqual([]);
  });

  it.each([
    ['an older one than it acknowledged', new GroupScript().commit('a', 5).commit('b', 9).told('a', 5), 'after 9 (b)'],
    ['none after it acknowledged one', new GroupScript().commit('a', 5).told('', -1), 'after 5 (a)'],
    ['one that it refused', new GroupScript().commit('a', 5, 'refused').told('a', 5), 'refused'],
    ['one that nobody made', new GroupScript().told('x', 5), 'nobody committed'],
    ['another offset than was committed', new GroupScript().commit('a', 5).told('a', 6), 'committed as 5'],
  ])('the coordinator tells %s: found', (_situation, script, told) => {
    expect(messages(groupOffsets(seen(script)))[0]).toContain(told);
  });
});

describe('committed offsets of a coordinator that was deposed', () => {
  const offsets = {
    version: 1 as const,
    name: '__consumer_offsets',
    topicId: 'o',
    partitions: 1,
    configs: {},
    internal: true,
  };
  const known = (heard: number) =>
    truth({
      topics: new Map([['__consumer_offsets', [version(0, offsets)]]]),
      partitions: new Map([['o/0', [version(0, record()), version(1, record({ leaderEpoch: 2 }))]]]),
      heard: new Map([['1 o/0', [version(1, heard)]]]),
    });

  it('it has not heard of it, and tells what it acknowledged last: fine', () => {
    const script = new GroupScript().commit('a', 5).commit('b', 9, 'acked', 2).told('a', 5);
    expect(groupOffsets(seen(script, known(1)))).toEqual([]);
    expect(groupOffsets(seen(script, known(2)))).toHaveLength(1);
  });

  it('it tells less than it acknowledged itself: found', () => {
    const script = new GroupScript().commit('a', 5).commit('b', 9).told('a', 5);
    expect(groupOffsets(seen(script, known(1)))).toHaveLength(1);
  });
});

describe('generations', () => {
  const group = (...steps: readonly (readonly ['synced' | 'joined', number])[]): Script => {
    const script = new Script();
    for (const [what, generation] of steps) {
      const fact = { client: 'm', sent: script.recorder.mark, group: 'g', member: 'm-1', generation };
      script.add(
        what === 'synced' ? { type: 'generation-synced', ...fact } : { type: 'group-joined', broker: 1, ...fact },
      );
    }
    return script;
  };

  it.each([
    ['they grow', group(['joined', 1], ['synced', 1], ['joined', 2])],
    ['one that nobody was told to act in comes again', group(['joined', 2], ['joined', 2], ['joined', 1])],
  ])('%s: fine', (_situation, script) => {
    expect(generationsForward(seen(script))).toEqual([]);
  });

  it('somebody joins an earlier one than was synced: found', () => {
    expect(generationsForward(seen(group(['synced', 3], ['joined', 2])))).toHaveLength(1);
  });
});
