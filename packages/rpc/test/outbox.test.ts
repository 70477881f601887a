import { Outbox, type OutboxLimits } from '../src/stream/outbox';

const LIMITS: OutboxLimits = { batchBytes: 100, highWaterBytes: 1_000, maxBytes: 10_000 };

function outbox(limits: Partial<OutboxLimits> = {}) {
  const writes: { messages: number[]; done: () => void }[] = [];
  const events: string[] = [];
  const box = new Outbox<number>({
    limits: { ...LIMITS, ...limits },
    sizeOf: (bytes) => bytes,
    write: (messages, done) => writes.push({ messages, done }),
    onDrain: () => events.push('drain'),
    onOverflow: () => events.push('overflow'),
  });
  return { box, writes, events };
}

const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe('outbox', () => {
  it('what is pushed in one turn leaves in one write', async () => {
    const { box, writes } = outbox();
    for (const bytes of [10, 20, 30]) box.push(bytes);
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([[10, 20, 30]]);
  });

  it('what is pushed while two writes are under way waits and leaves together', async () => {
    const { box, writes } = outbox();
    box.push(1);
    await turn();
    box.push(2);
    await turn();
    box.push(3);
    box.push(4);
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([[1], [2]]);
    writes[0]!.done();
    expect(writes.map(({ messages }) => messages)).toEqual([[1], [2], [3, 4]]);
  });

  it('a write ends with the message that reaches the batch size', async () => {
    const { box, writes } = outbox();
    for (const bytes of [60, 60, 60, 500]) box.push(bytes);
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([
      [60, 60],
      [60, 500],
    ]);
  });

  it('push answers false above the high-water mark, and onDrain comes at half of it', async () => {
    const { box, writes, events } = outbox({ batchBytes: 1 });
    expect([box.push(400), box.push(400), box.push(400), box.push(400)]).toEqual([true, true, false, false]);
    await turn();
    writes[0]!.done();
    writes[1]!.done();
    expect([box.queuedBytes, events]).toEqual([800, []]);
    writes[2]!.done();
    expect([box.queuedBytes, events]).toEqual([400, ['drain']]);
    expect(box.push(1)).toBe(true);
  });

  it('a sender that goes on all the same overflows it', () => {
    const { box, events } = outbox();
    box.push(9_999);
    expect(events).toEqual([]);
    expect(box.push(2)).toBe(false);
    expect(events).toEqual(['overflow']);
  });

  it('end calls back when everything pushed was taken', async () => {
    const { box, writes } = outbox();
    let flushed = false;
    box.push(1);
    box.end(() => {
      flushed = true;
    });
    await turn();
    expect(flushed).toBe(false);
    writes[0]!.done();
    expect(flushed).toBe(true);
    expect(box.push(2)).toBe(false);
  });

  it('end of an empty one calls back in the same turn', async () => {
    const { box } = outbox();
    let flushed = false;
    box.end(() => {
      flushed = true;
    });
    await turn();
    expect(flushed).toBe(true);
  });

  it('a discarded one calls back no more', async () => {
    const { box, writes, events } = outbox({ batchBytes: 1 });
    for (const bytes of [900, 900, 900]) box.push(bytes);
    await turn();
    box.discard();
    for (const { done } of writes) done();
    expect([events, box.queuedBytes]).toEqual([[], 0]);
  });
});
