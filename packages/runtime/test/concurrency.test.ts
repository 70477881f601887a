import { OttlaError } from '@ottla/protocol';
import { Deferred, ManualClock, SerialQueue, withDeadline } from '../src';

describe('Deferred', () => {
  it('settled twice keeps the first outcome', async () => {
    const deferred = new Deferred<number>();
    expect(deferred.settled).toBe(false);
    deferred.resolve(1);
    deferred.reject(new Error('too late'));
    expect(deferred.settled).toBe(true);
    expect(await deferred.promise).toBe(1);
  });
});

describe('SerialQueue', () => {
  it('tasks given together run one at a time, in order, and failures stay with their task', async () => {
    const queue = new SerialQueue({ name: 'q', capacity: 10 });
    const log: string[] = [];
    const gates = [new Deferred<void>(), new Deferred<void>(), new Deferred<void>()];
    const results = gates.map((gate, n) =>
      queue.run(async () => {
        log.push(`start ${n}`);
        await gate.promise;
        log.push(`end ${n}`);
        if (n === 1) throw new Error('one fails');
        return n;
      }),
    );
    const settled = Promise.allSettled(results);
    for (const gate of gates.slice().reverse()) gate.resolve();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(log).toEqual(['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2']);
    await queue.idle();
    expect(queue.length).toBe(0);
  });

  it('one task more than the capacity is refused and the others still run', async () => {
    const queue = new SerialQueue({ name: 'writes', capacity: 2 });
    const gate = new Deferred<void>();
    const running = queue.run(() => gate.promise);
    const waiting = [queue.run(() => 1), queue.run(() => 2)];
    await expect(queue.run(() => 3)).rejects.toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED', retriable: true });
    gate.resolve();
    await running;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
    expect(await queue.run(() => 4)).toBe(4);
  });

  it('closed refuses what waits and what comes, after the running task has ended', async () => {
    const queue = new SerialQueue({ name: 'q', capacity: 5 });
    const gate = new Deferred<void>();
    let ended = false;
    const running = queue.run(async () => {
      await gate.promise;
      ended = true;
    });
    const waiting = queue.run(() => 1);
    const closed = queue.close(new OttlaError('KAFKA_STORAGE_ERROR', 'closed'));
    await expect(waiting).rejects.toThrow('closed');
    await expect(queue.run(() => 1)).rejects.toThrow('closed');
    expect(ended).toBe(false);
    gate.resolve();
    await closed;
    await running;
    expect(ended).toBe(true);
  });
});

describe('withDeadline', () => {
  it('a promise in time gives its value and leaves no timer', async () => {
    const clock = new ManualClock();
    expect(await withDeadline(Promise.resolve(7), clock, 10, 'slow')).toBe(7);
    await expect(withDeadline(Promise.reject(new Error('no')), clock, 10, 'slow')).rejects.toThrow('no');
    expect(clock.pendingTimers).toBe(0);
  });

  it('a promise that is late gives REQUEST_TIMED_OUT with the message', async () => {
    const clock = new ManualClock();
    const late = withDeadline(new Promise(() => {}), clock, 10, 'broker 3 did not answer');
    clock.advance(10);
    await expect(late).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT', message: 'broker 3 did not answer' });
  });
});

describe('ManualClock', () => {
  it('timers run at their own time, in order, those made by timers too', () => {
    const clock = new ManualClock({ wall: 1000 });
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
    clock.after(20, note('b'));
    clock.after(10, () => {
      note('a')();
      clock.after(5, note('a2'));
    });
    clock.after(20, note('c'));
    clock.after(15, note('cancelled')).cancel();
    clock.advance(19);
    expect(seen).toEqual(['a@10', 'a2@15']);
    clock.advance(1);
    expect(seen).toEqual(['a@10', 'a2@15', 'b@20', 'c@20']);
    expect(clock.wall()).toBe(1020);
  });

  it('an aborted sleep rejects with the reason and leaves no timer', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const asleep = clock.sleep(100, abort.signal);
    abort.abort(new Error('closing'));
    await expect(asleep).rejects.toThrow('closing');
    expect(clock.pendingTimers).toBe(0);
  });
});
