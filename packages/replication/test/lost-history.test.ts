import { brief, members, only, push, Solo } from './cluster/solo';

const LEADER = { broker: 2, run: 'run-2' };

/** The record as a restored store has it: mod revisions count from anew. */
function restored(solo: Solo, shape: Parameters<Solo['record']>[0], modRevision = 1) {
  const record = { ...solo.replica.record!, ...shape };
  return brief(solo.step({ type: 'record-changed', record, modRevision }));
}

describe('a replica whose history was lost', () => {
  it('a leader ends its epoch: what waits is refused, and nothing more is taken', () => {
    const solo = new Solo();
    solo.record({ leaderEpoch: 4 });
    solo.produce(-1);
    expect(brief(solo.step({ type: 'history-lost' }))).toEqual(['reply 1: NOT_LEADER_OR_FOLLOWER', 'idle in 4']);
    expect(brief(solo.produce(-1))).toEqual(['reply 2: NOT_LEADER_OR_FOLLOWER']);
    expect(solo.replica.isSettled).toBe(false);
    expect(brief(solo.appended(1, 4))).toEqual([]);
    expect(solo.replica).toMatchObject({ isSettled: true, logEnd: 1, highestEpoch: 4, lastEpoch: 4 });
  });

  it('a follower unsubscribes, and what is still pushed is dropped', () => {
    const solo = new Solo();
    solo.record({ leader: LEADER, leaderEpoch: 4 });
    solo.step({ type: 'stream-opened' });
    expect(brief(solo.step({ type: 'history-lost' }))).toEqual(['to 2: unsubscribe', 'idle in 4']);
    expect(brief(solo.fromLeader(push({ epoch: 4 }), []))).toEqual([]);
  });

  it('takes no part by an older or the same epoch, and does by a later one of any mod revision', () => {
    const solo = new Solo();
    solo.record({ leaderEpoch: 4 });
    solo.step({ type: 'history-lost' });
    for (const leaderEpoch of [3, 4]) expect(restored(solo, { leaderEpoch })).toEqual([]);
    expect(restored(solo, { leaderEpoch: 1004, isr: members(1) })).toEqual(['leader in 1004']);
    expect(solo.replica.epochStart).toBe(0);
  });

  it('answers of the store from before are dropped', () => {
    const solo = new Solo();
    solo.record({ leaderEpoch: 4, isr: members(1, 2) });
    const [proposal] = only(solo.subscribe(3, { epoch: 4 }), 'propose-isr');
    solo.step({ type: 'history-lost' });
    const answer = { proposal: proposal!.proposal, record: proposal!.record, modRevision: 900 };
    expect(brief(solo.step({ type: 'isr-written', ...answer }))).toEqual([]);
    expect(restored(solo, { leaderEpoch: 1004, isr: members(1) }, 7)).toEqual(['leader in 1004']);
  });

  it('offline stays offline, and resigns again when the new history has it lead', () => {
    const solo = new Solo();
    solo.record({ leaderEpoch: 4 });
    solo.step({ type: 'offline', reason: 'damage' });
    expect(brief(solo.step({ type: 'history-lost' }))).toEqual([]);
    expect(solo.replica.nextDeadline()).toBeNull();
    expect(restored(solo, { leaderEpoch: 1004 })).toEqual(['resign']);
  });
});

it('a record of an earlier epoch than what the log holds is not adopted: the store has lost what came between', () => {
  const solo = new Solo({}, [{ epoch: 7, end: 3, highWatermark: 3 }]);
  expect(brief(solo.record({ leaderEpoch: 5 }))).toEqual([]);
  expect(brief(solo.record({ leader: LEADER, leaderEpoch: 6 }))).toEqual([]);
  expect(solo.replica).toMatchObject({ role: 'idle', highestEpoch: 7 });
  expect(brief(solo.record({ leaderEpoch: 8, isr: members(1) }))).toEqual(['leader in 8']);
});
