import { SimTime } from '@ottla/simulator';

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SimTime', () => {
  it('runs events by time, and those of one instant in the order they were made', async () => {
    const time = new SimTime(microtasks);
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${time.now()}`);
    for (const [name, at] of [
      ['c', 7],
      ['a', 5],
      ['d', 7],
      ['b', 5],
      ['e', 7],
    ] as const)
      time.at(at, note(name));
    await time.runUntil(6);
    expect(seen).toEqual(['a@5', 'b@5']);
    await time.runUntil(10);
    expect(seen.slice(2)).toEqual(['c@7', 'd@7', 'e@7']);
    expect(time.now()).toBe(10);
  });

  it('lets microtasks finish at their event before the next one', async () => {
    const time = new SimTime(microtasks);
    const seen: string[] = [];
    time.at(1, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => seen.push(`follow-up@${time.now()}`));
    });
    time.at(1, () => seen.push('second'));
    await time.runUntil(2);
    expect(seen).toEqual(['follow-up@1', 'second']);
  });

  it('an event in the past happens as soon as possible, a cancelled one never', async () => {
    const time = new SimTime(microtasks);
    const seen: string[] = [];
    time.at(5, () => {
      time.at(1, () => seen.push(`late@${time.now()}`));
      cancelled.cancel();
    });
    const cancelled = time.at(6, () => seen.push('cancelled'));
    await time.runUntil(9);
    expect(seen).toEqual(['late@5']);
    expect(time.events).toBe(2);
  });

  it('keeps a thousand events in order', async () => {
    const time = new SimTime(async () => {});
    const seen: number[] = [];
    for (let n = 0; n < 1000; n++) time.at((n * 7919) % 1009, () => seen.push(time.now()));
    await time.runUntil(2000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen).toHaveLength(1000);
  });
});
