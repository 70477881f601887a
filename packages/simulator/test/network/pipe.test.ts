import { SeededRandom } from '@ottla/runtime';
import { Network, type SynPolicy } from '../../src/network/network';
import type { PipeEnd } from '../../src/network/pipe';
import { Life } from '../../src/process/life';
import { SimTime } from '../../src/time/sim-time';

type End = PipeEnd<string, string>;

/** Two machines a millisecond apart, with a connection between them. */
class TwoMachines {
  readonly time = new SimTime(() => new Promise((resolve) => setImmediate(resolve)));
  readonly network = new Network(this.time, new SeededRandom(1), () => ({ delayMs: 1, jitterMs: 5, lossRate: 0 }));
  readonly here = new Life(this.time, 'here');
  readonly there = new Life(this.time, 'there');
  readonly heard: string[] = [];
  near!: End;
  far!: End;

  static async connected(): Promise<TwoMachines> {
    const two = new TwoMachines();
    two.network.listen<string, string>(two.there, { host: 'b', port: 1 }, (end) => {
      two.far = end;
      two.listen('far', end);
    });
    const dialled = two.network.dial<string, string>(two.here, 'a', { host: 'b', port: 1 }, 1_000);
    await two.time.runUntil(50);
    const result = await dialled;
    if (result.outcome !== 'open') throw new Error(result.outcome);
    two.near = result.end;
    two.listen('near', two.near);
    return two;
  }

  private listen(name: string, end: End): void {
    end.handle({
      item: (item) => this.heard.push(`${name} ${item}`),
      fin: () => this.heard.push(`${name} fin`),
      reset: () => this.heard.push(`${name} reset`),
    });
  }

  async run(ms: number): Promise<string[]> {
    await this.time.runUntil(this.time.now() + ms);
    return this.heard.splice(0);
  }
}

function setSyn(two: TwoMachines, policy: SynPolicy): void {
  two.network.machine('b').syn = policy;
}

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `${from + index}`);

describe('a connection', () => {
  it('carries items in order, whatever each packet takes', async () => {
    const two = await TwoMachines.connected();
    for (const item of numbers(50)) two.near.send(item, 10);
    expect(await two.run(100)).toEqual(numbers(50).map((item) => `far ${item}`));
    expect(two.near.unacknowledgedBytes).toBe(0);
  });

  it('loses packets without losing or changing the order of items: they come later', async () => {
    const two = await TwoMachines.connected();
    two.network.link('a', 'b').degrade({ delayMs: 0, lossRate: 0.5 });
    for (const item of numbers(20)) two.near.send(item, 10);
    const early = await two.run(50);
    const late = await two.run(60_000);
    expect(late.length).toBeGreaterThan(0);
    expect([...early, ...late]).toEqual(numbers(20).map((item) => `far ${item}`));
  });

  it('over a link with several troubles is as before when all are over, in whatever order they ended', async () => {
    const two = await TwoMachines.connected();
    const link = two.network.link('a', 'b');
    const [slow, slower] = [link.degrade({ delayMs: 400, lossRate: 0 }), link.degrade({ delayMs: 800, lossRate: 0.3 })];
    expect(link.latency()).toBeGreaterThanOrEqual(1_201);
    slow();
    slower();
    for (let packet = 0; packet < 20; packet++) expect(link.latency()).toBeLessThan(7);
  });

  it('that is cut holds what is sent, in order, and goes on when packets pass again', async () => {
    const two = await TwoMachines.connected();
    two.near.send('before', 10);
    await two.run(20);
    const heal = two.network.hold('a', 'b');
    for (const item of numbers(5)) two.near.send(item, 10);
    two.far.send('back', 10);
    expect(await two.run(5_000)).toEqual(['near back']);
    expect(two.near.unacknowledgedBytes).toBe(50);
    heal();
    for (const item of numbers(3, 5)) two.near.send(item, 10);
    expect(await two.run(2_000)).toEqual(numbers(8).map((item) => `far ${item}`));
  });

  it('cut for two reasons passes packets when both are gone', async () => {
    const two = await TwoMachines.connected();
    const [one, other] = [two.network.hold('a', 'b'), two.network.hold('a', 'b')];
    two.near.send('late', 10);
    one();
    expect(await two.run(3_000)).toEqual([]);
    other();
    expect(await two.run(3_000)).toEqual(['far late']);
  });

  it('of a process that is killed ends or is reset by its kernel', async () => {
    const two = await TwoMachines.connected();
    two.there.end('process');
    expect(await two.run(100)).toEqual([expect.stringMatching(/near (fin|reset)/)]);
    two.near.send('anybody?', 10);
    await two.run(100);
    expect(two.heard).toEqual([]);
  });

  it('of a machine that is gone says nothing until the machine is back, and resets it', async () => {
    const two = await TwoMachines.connected();
    two.network.setUp('b', false);
    two.there.end('machine');
    two.near.send('anybody?', 10);
    expect(await two.run(60_000)).toEqual([]);
    two.network.setUp('b', true);
    expect(await two.run(2_000)).toEqual(['near reset']);
  });

  it('reset between is reset for both', async () => {
    const two = await TwoMachines.connected();
    two.near.send('lost', 10);
    expect(two.network.resetBetween('b', 'a')).toBe(1);
    expect((await two.run(100)).sort()).toEqual(['far reset', 'near reset']);
  });

  it('to a paused process is kept by its kernel, and read when it goes on', async () => {
    const two = await TwoMachines.connected();
    two.there.pause();
    for (const item of numbers(3)) two.near.send(item, 10);
    expect(await two.run(1_000)).toEqual([]);
    expect(two.near.unacknowledgedBytes).toBe(30);
    two.there.resume();
    expect(await two.run(0)).toEqual(numbers(3).map((item) => `far ${item}`));
  });
});

describe('a connect', () => {
  const dial = async (two: TwoMachines, port = 1): Promise<string> => {
    const dialled = two.network.dial<string, string>(two.here, 'a', { host: 'b', port }, 500);
    await two.run(600);
    return (await dialled).outcome;
  };

  it.each<[string, (two: TwoMachines) => void, string]>([
    ['to a process that listens', () => {}, 'open'],
    ['to a process that is paused: its kernel answers', (two) => two.there.pause(), 'open'],
    ['to a process that is dead', (two) => two.there.end('process'), 'refused'],
    ['to a machine that is down', (two) => two.network.setUp('b', false), 'silent'],
    ['whose answer is cut off', (two) => void two.network.hold('b', 'a'), 'silent'],
    ['to a port where nobody listens', () => {}, 'refused'],
    ['that something between refuses', (two) => setSyn(two, 'refuse'), 'refused'],
    ['that something between drops', (two) => setSyn(two, 'drop'), 'silent'],
  ])('%s', async (name, prepare, outcome) => {
    const two = await TwoMachines.connected();
    prepare(two);
    expect(await dial(two, name.includes('nobody') ? 2 : 1)).toBe(outcome);
  });

  it('to a port that is taken by a live process is refused to a second listener, not once that is dead', async () => {
    const two = await TwoMachines.connected();
    const listen = () => two.network.listen(two.here, { host: 'b', port: 1 }, () => {});
    expect(listen).toThrow('port 1 on b is in use');
    two.there.end('process');
    expect(listen).not.toThrow();
  });
});
