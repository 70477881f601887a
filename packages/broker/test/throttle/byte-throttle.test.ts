import { ManualClock } from '@ottla/runtime';
import { ByteThrottle, type Passage } from '../../src/throttle/byte-throttle';

const KIB = 1024;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function throttle(rate: { bytesPerSecond: number }) {
  const clock = new ManualClock();
  return { clock, throttle: new ByteThrottle(clock, () => rate.bytesPerSecond) };
}

async function advance(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await turn();
  }
}

describe('a throttle of bytes', () => {
  it.each([
    ['small pieces', 4 * KIB],
    ['pieces larger than what passes in a second', 300 * KIB],
  ])('%s: on the average as many bytes a second as it is set to', async (_name, piece) => {
    const { clock, throttle: throttled } = throttle({ bytesPerSecond: 100 * KIB });
    let passed = 0;
    const work = async (): Promise<void> => {
      for (let passage = await throttled.admit().passage; passage !== null; passage = await throttled.admit().passage) {
        passed += piece;
        passage.done(piece);
      }
    };
    const workers = [work(), work(), work()];
    await advance(clock, 60_000);
    expect(passed / (60 * 100 * KIB)).toBeGreaterThan(0.95);
    expect(passed / (60 * 100 * KIB)).toBeLessThan(1.06);
    throttled.close();
    await Promise.all(workers);
  });

  it('pieces go in the order asked, one at a time', async () => {
    const { clock, throttle: throttled } = throttle({ bytesPerSecond: 1000 });
    const order: number[] = [];
    const passages: Passage[] = [];
    for (const n of [1, 2, 3]) {
      void throttled.admit().passage.then((passage) => {
        order.push(n);
        passages.push(passage!);
      });
    }
    await advance(clock, 1000);
    expect(order).toEqual([1]);
    passages[0]!.done(2000);
    await advance(clock, 1000);
    expect(order).toEqual([1]);
    await advance(clock, 1000);
    expect(order).toEqual([1, 2]);
    passages[1]!.done(0);
    await advance(clock, 10);
    expect(order).toEqual([1, 2, 3]);
  });

  it('what is cancelled goes nowhere, and makes way', async () => {
    const { clock, throttle: throttled } = throttle({ bytesPerSecond: 1000 });
    (await throttled.admit().passage)!.done(5000);
    const first = throttled.admit();
    const second = throttled.admit();
    first.cancel();
    expect(await first.passage).toBeNull();
    await advance(clock, 6000);
    expect(await second.passage).not.toBeNull();
  });

  it.each([0, 1])('a rate of %i is waited for until it is raised, which is noticed within a second', async (slow) => {
    const rate = { bytesPerSecond: 1000 };
    const { clock, throttle: throttled } = throttle(rate);
    (await throttled.admit().passage)!.done(1e6);
    rate.bytesPerSecond = slow;
    let isThrough = false;
    void throttled.admit().passage.then(() => {
      isThrough = true;
    });
    await advance(clock, 20_000);
    expect(isThrough).toBe(false);
    rate.bytesPerSecond = 1e9;
    await advance(clock, 1000);
    expect(isThrough).toBe(true);
  });

  it('closed: all that wait go nowhere', async () => {
    const { throttle: throttled } = throttle({ bytesPerSecond: 1000 });
    (await throttled.admit().passage)!.done(5000);
    const waits = [throttled.admit().passage, throttled.admit().passage];
    throttled.close();
    expect(await Promise.all(waits)).toEqual([null, null]);
  });
});
