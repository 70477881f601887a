import type { Replica, ReplicaEffect } from '../src/index';
import { brief, members, only, recordOf, Solo } from './cluster/solo';

const LAG_MS = 30_000;

function leader(isr: number[], minIsr = 1): Solo {
  const solo = new Solo();
  solo.record({ isr: members(...isr), minIsr });
  return solo;
}

const end = (replica: Replica, broker: number) => replica.replicaProgress().find((one) => one.broker === broker);

describe('leader: who falls out', () => {
  it('a follower that never subscribes leaves after the lag time, at the next check', () => {
    const solo = leader([1, 2]);
    expect(solo.replica.nextDeadline()).toBe(solo.now + LAG_MS / 2);
    solo.produce(1);
    solo.appended(1);
    expect(brief(solo.tick(LAG_MS / 2))).toEqual([]);
    expect(brief(solo.tick(LAG_MS / 2))).toEqual([]);
    expect(brief(solo.tick(LAG_MS / 2))).toEqual(['propose 1']);
  });

  it('one that reports more often than it catches up is caught up as of the last end that it reached', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    // Always 10 batches, 10 s, behind, with a report each second.
    for (let at = 1; at <= 60; at++) {
      solo.now += 1000;
      solo.produce(1);
      solo.appended(at);
      solo.report(2, Math.max(0, at - 10));
      expect(only(solo.tick(), 'propose-isr')).toEqual([]);
    }
    expect(solo.now - end(solo.replica, 2)!.caughtUpAt).toBeLessThanOrEqual(20_000);
  });

  it('one that falls ever further behind leaves', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    const proposals: string[] = [];
    for (let at = 1; at <= 120; at++) {
      solo.now += 1000;
      solo.produce(1);
      solo.appended(at);
      solo.report(2, Math.floor(at / 4));
      proposals.push(...brief(only(solo.tick(), 'propose-isr')));
    }
    expect(proposals).toEqual(['propose 1']);
  });

  it('idle for hours, a follower at the end is caught up until something new is written', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    for (let i = 0; i < 500; i++) expect(only(solo.tick(LAG_MS / 2), 'propose-isr')).toEqual([]);
    solo.produce(1);
    solo.appended(1);
    expect(end(solo.replica, 2)!.caughtUpAt).toBe(solo.now);
    expect(only(solo.tick(LAG_MS / 2), 'propose-isr')).toEqual([]);
  });

  it('one that is silent, and still has all that is committed, does not come back by itself', () => {
    const solo = leader([1, 2], 2);
    solo.subscribe(2);
    solo.produce(1);
    solo.appended(1);
    const ticks = [1, 2, 3].flatMap(() => solo.tick(LAG_MS / 2));
    const { proposal, record } = only(ticks, 'propose-isr')[0]!;
    expect(record).toMatchObject({ isr: members(1), elr: members(2) });
    const written = solo.step({ type: 'isr-written', proposal, record, modRevision: solo.modRevision + 1 });
    expect(only(written, 'propose-isr')).toEqual([]);
    const [back] = only(solo.report(2, 1), 'propose-isr');
    expect(back!.record).toMatchObject({ isr: members(1, 2), elr: [] });
  });

  describe('one that asks again from the same end, since it could not write what it was sent', () => {
    /** Broker 2 has asked, and was sent a batch. */
    function sentOne(): Solo {
      const solo = leader([1, 2]);
      solo.subscribe(2);
      solo.produce(1);
      sendAll(solo, solo.appended(1));
      return solo;
    }

    function sendAll(solo: Solo, effects: ReplicaEffect[]): void {
      for (const push of only(effects, 'push')) solo.pushed(push);
    }

    let subscription = 1;
    function askAgain(solo: Solo, times: number): string[] {
      return Array.from({ length: times }).flatMap(() => {
        const effects = solo.subscribe(2, { subscription: ++subscription });
        sendAll(solo, effects);
        return brief(only(effects, 'propose-isr'));
      });
    }

    it('leaves when that happened a few times in a row', () => {
      expect(askAgain(sentOne(), 3)).toEqual([]);
      expect(askAgain(sentOne(), 4)).toEqual(['propose 1']);
    });

    it('stays when it writes in between', () => {
      const solo = sentOne();
      expect(askAgain(solo, 3)).toEqual([]);
      solo.report(2, 1, { subscription });
      solo.produce(1);
      sendAll(solo, solo.appended(2));
      const effects = solo.subscribe(2, { subscription: ++subscription, end: 1 });
      expect(brief(only(effects, 'propose-isr'))).toEqual([]);
    });

    it('does not come back by asking, but by writing', () => {
      const solo = sentOne();
      askAgain(solo, 3);
      const effects = solo.subscribe(2, { subscription: ++subscription });
      sendAll(solo, effects);
      const { proposal, record } = only(effects, 'propose-isr')[0]!;
      solo.step({ type: 'isr-written', proposal, record, modRevision: solo.modRevision + 1 });
      expect(askAgain(solo, 3)).toEqual([]);
      expect(brief(only(solo.report(2, 1, { subscription }), 'propose-isr'))).toEqual(['propose 1 2']);
    });
  });

  it('a leader that was paused judges one period later', () => {
    const solo = leader([1, 2]);
    solo.produce(1);
    solo.appended(1);
    expect(only(solo.tick(5 * LAG_MS), 'propose-isr')).toEqual([]);
    expect(solo.replica.nextDeadline()).toBe(solo.now + LAG_MS / 2);
    expect(brief(only(solo.tick(LAG_MS / 2), 'propose-isr'))).toEqual(['propose 1']);
  });

  it('a member whose log was replaced leaves at once, and does not become eligible', () => {
    const solo = leader([1, 2], 2);
    solo.subscribe(2);
    solo.produce(1);
    solo.appended(1);
    solo.report(2, 1);
    const [proposal] = only(solo.subscribe(2, { run: 'run-2b', logId: 'log-2b' }), 'propose-isr');
    expect(proposal!.record).toMatchObject({ isr: members(1), elr: [] });
  });

  it('a member whose log was replaced does not count as the one it was, even if its log is as long', () => {
    const solo = leader([1, 2], 1);
    solo.subscribe(2);
    solo.produce(1);
    solo.appended(1);
    solo.report(2, 1);
    const effects = solo.subscribe(2, { run: 'run-2b', logId: 'log-2b', end: 1 });
    expect(only(effects, 'propose-isr')).toMatchObject([
      { record: { isr: [...members(1), { broker: 2, logId: 'log-2b' }] }, adds: [{ broker: 2, logId: 'log-2b' }] },
    ]);
    solo.produce(1);
    solo.appended(2);
    expect(only(solo.report(2, 2), 'high-watermark')).toEqual([]);
  });

  it('a member that lost what is committed leaves at once, and does not become eligible', () => {
    const solo = leader([1, 2], 2);
    solo.subscribe(2);
    solo.produce(1);
    solo.appended(1);
    solo.report(2, 1);
    const [proposal] = only(solo.subscribe(2, { subscription: 2, end: 0 }), 'propose-isr');
    expect(proposal!.record).toMatchObject({ isr: members(1), elr: [] });
  });

  it('a member that is not assigned any more leaves', () => {
    const solo = leader([1, 2]);
    const [proposal] = only(solo.record({ replicas: [1, 3], isr: members(1, 2) }), 'propose-isr');
    expect(proposal!.record.isr).toEqual(members(1));
  });
});

describe('leader: who comes in', () => {
  it('with the run and log id of its stream', () => {
    const solo = leader([1]);
    const [proposal] = only(solo.subscribe(2, { run: 'run-2b', logId: 'log-2b' }), 'propose-isr');
    expect(proposal).toMatchObject({
      expectedModRevision: solo.modRevision,
      adds: [{ broker: 2, run: 'run-2b', logId: 'log-2b' }],
      record: { isr: [...members(1), { broker: 2, logId: 'log-2b' }] },
    });
  });

  it('not before its end has reached the high watermark', () => {
    const solo = leader([1]);
    for (let i = 0; i < 2; i++) solo.produce(1);
    solo.appended(2);
    expect(only(solo.subscribe(2), 'propose-isr')).toEqual([]);
    expect(only(solo.report(2, 1), 'propose-isr')).toEqual([]);
    expect(only(solo.report(2, 2), 'propose-isr')).toHaveLength(1);
  });

  it('not before its end has reached the start of the epoch', () => {
    const solo = new Solo({}, [{ epoch: 1, end: 5, highWatermark: 3 }]);
    solo.record({ leaderEpoch: 2, isr: members(1, 3) });
    expect(solo.replica.epochStart).toBe(5);
    expect(only(solo.subscribe(2, { epoch: 2, end: 4, lastEpoch: 1 }), 'propose-isr')).toEqual([]);
    expect(only(solo.report(2, 5, { epoch: 2 }), 'propose-isr')).toHaveLength(1);
  });

  it('counts for the high watermark from the proposal on', () => {
    const solo = leader([1]);
    solo.subscribe(2);
    solo.produce(-1);
    expect(only(solo.appended(1), 'reply')).toEqual([]);
    expect(only(solo.report(2, 1), 'reply')).toHaveLength(1);
  });

  it('does not count toward the minimum before it is committed', () => {
    const solo = leader([1], 2);
    const [proposal] = only(solo.subscribe(2), 'propose-isr');
    solo.produce(1);
    solo.appended(1);
    expect(only(solo.report(2, 1), 'high-watermark')).toEqual([]);
    const { proposal: number, record } = proposal!;
    const written = solo.step({ type: 'isr-written', proposal: number, record, modRevision: solo.modRevision + 1 });
    expect(brief(written).slice(0, 1)).toEqual(['high watermark 1']);
  });

  it('has the full lag time from when it came in', () => {
    const solo = leader([1, 3]);
    solo.subscribe(3);
    for (let i = 0; i < 4; i++) solo.produce(1);
    solo.appended(4);
    solo.report(3, 1);
    solo.now += 10 * LAG_MS;
    // At the high watermark, which broker 3 holds back, and far from the leader's end.
    const [proposal] = only(solo.subscribe(2, { end: 1 }), 'propose-isr');
    const { proposal: number, record } = proposal!;
    solo.step({ type: 'isr-written', proposal: number, record, modRevision: solo.modRevision + 1 });
    expect(end(solo.replica, 2)).toMatchObject({ inIsr: true, caughtUpAt: solo.now });
  });
});

describe('leader: proposals', () => {
  /** Broker 2 is to come in; the answer to its proposal is due. */
  function proposing(): { solo: Solo; proposal: number } {
    const solo = leader([1]);
    const [proposal] = only(solo.subscribe(2), 'propose-isr');
    return { solo, proposal: proposal!.proposal };
  }

  it('one at a time', () => {
    const { solo } = proposing();
    expect(only(solo.subscribe(3), 'propose-isr')).toEqual([]);
    const [next] = only(solo.record({ isr: members(1, 2) }), 'propose-isr');
    expect(next!.record.isr).toEqual(members(1, 2, 3));
  });

  it('refused as it stands, it is tried again a little later, and then ever later', () => {
    const { solo, proposal } = proposing();
    let last = proposal;
    for (const pause of [50, 100, 200, 400, 800, 1600, 3200, 3200]) {
      const same = { record: recordOf({ isr: members(1) }), modRevision: solo.modRevision };
      expect(brief(solo.step({ type: 'isr-refused', proposal: last, ...same }))).toEqual([]);
      expect(solo.replica.nextDeadline()).toBe(solo.now + pause);
      expect(brief(solo.tick(pause - 1))).toEqual([]);
      const [again] = only(solo.tick(1), 'propose-isr');
      expect(again!.proposal).toBeGreaterThan(last);
      last = again!.proposal;
    }
  });

  it('refused for a newer record, that one is adopted', () => {
    const { solo, proposal } = proposing();
    const record = recordOf({ isr: members(1, 3), minIsr: 2 });
    solo.step({ type: 'isr-refused', proposal, record, modRevision: 50 });
    expect(solo.replica.record).toEqual(record);
    const [again] = only(solo.tick(50), 'propose-isr');
    expect(again).toMatchObject({ expectedModRevision: 50, record: { isr: members(1, 3, 2) } });
  });

  it('refused, it does not bound the high watermark any more; of unknown outcome, it does', () => {
    for (const isKnown of [true, false]) {
      const { solo, proposal } = proposing();
      solo.produce(-1);
      solo.appended(1);
      const record = isKnown ? recordOf({ isr: members(1) }) : null;
      const effects = solo.step({ type: 'isr-refused', proposal, record, modRevision: isKnown ? solo.modRevision : 0 });
      expect(only(effects, 'reply')).toHaveLength(isKnown ? 1 : 0);
    }
  });

  it('of unknown outcome, any newer record settles it', () => {
    const { solo, proposal } = proposing();
    solo.produce(-1);
    solo.appended(1);
    solo.step({ type: 'isr-refused', proposal, record: null, modRevision: 0 });
    expect(only(solo.record({ isr: members(1) }), 'reply')).toHaveLength(1);
  });

  it('of unknown outcome, with nothing to change any more, the record is written as it is', () => {
    const { solo, proposal } = proposing();
    solo.step({ type: 'isr-refused', proposal, record: null, modRevision: 0 });
    solo.step({ type: 'unsubscribe', broker: 2, run: 'run-2' });
    const [again] = only(solo.tick(50), 'propose-isr');
    expect(again).toMatchObject({ record: recordOf({ isr: members(1) }), adds: [] });
  });

  it('a late answer to an earlier proposal is no answer to the present one', () => {
    const { solo, proposal } = proposing();
    const [next] = only(solo.subscribe(3), 'propose-isr').concat(only(solo.record({ isr: members(1) }), 'propose-isr'));
    solo.produce(-1);
    solo.appended(1);
    const stale = { record: recordOf({ isr: members(1) }), modRevision: solo.modRevision };
    expect(only(solo.step({ type: 'isr-refused', proposal, ...stale }), 'reply')).toEqual([]);
    expect(only(solo.step({ type: 'isr-refused', proposal: next!.proposal, ...stale }), 'reply')).toHaveLength(1);
  });

  it('the proposed record keeps what it does not know', () => {
    const solo = new Solo();
    solo.record({ isr: members(1), extra: { rack: 'b' } });
    const [proposal] = only(solo.subscribe(2), 'propose-isr');
    expect(proposal!.record.extra).toEqual({ rack: 'b' });
  });
});
