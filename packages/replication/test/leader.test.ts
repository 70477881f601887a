import { InvariantViolation, LeaderEpochs, ProducerState } from '../src/index';
import { brief, members, only, Solo } from './cluster/solo';

/** Leads epoch 1 with the ISR given. */
function leader(isr: number[] = [1], options: ConstructorParameters<typeof Solo>[0] = {}, minIsr = 1): Solo {
  const solo = new Solo(options);
  solo.record({ isr: members(...isr), minIsr });
  return solo;
}

describe('leader: produce', () => {
  it('assigns consecutive offsets and its epoch, acknowledges what the log has written', () => {
    const solo = leader();
    expect(brief(solo.produce(1, [{ records: 3 }, { records: 2 }]))).toEqual(['append 0/1 3/1']);
    expect(brief(solo.produce(1))).toEqual(['append 5/1']);
    expect(brief(solo.appended(6))).toEqual(['high watermark 6', 'reply 1: 0', 'reply 2: 5']);
  });

  it('one confirmation counts for all writes below it, and no more', () => {
    const solo = leader();
    for (let i = 0; i < 3; i++) solo.produce(1);
    expect(only(solo.appended(2), 'reply').map(({ requestId }) => requestId)).toEqual([1, 2]);
    expect(solo.replica.logEnd).toBe(2);
    expect(only(solo.appended(3), 'reply').map(({ requestId }) => requestId)).toEqual([3]);
  });

  it('a confirmation of more than was ordered is a broken invariant', () => {
    const solo = leader();
    solo.produce(1);
    expect(() => solo.appended(2)).toThrow(InvariantViolation);
    expect(() => solo.appended(2)).toThrow('letters-0: written to 2, ordered only to 1');
  });

  it('acks=all waits until the smallest end in the ISR has passed the batch', () => {
    const solo = leader([1, 2, 3]);
    solo.subscribe(2);
    solo.subscribe(3);
    solo.produce(-1);
    expect(only(solo.appended(1), 'reply')).toEqual([]);
    expect(only(solo.report(2, 1), 'reply')).toEqual([]);
    expect(brief(solo.report(3, 1)).slice(0, 2)).toEqual(['high watermark 1', 'reply 1: 0']);
  });

  it('acks=0 is appended and never answered, not even when it is refused', () => {
    const solo = leader([1], { maxPendingProduces: 1 });
    expect(brief(solo.produce(0))).toEqual(['append 0/1']);
    expect(brief(solo.produce(0))).toEqual([]);
    expect(only(solo.appended(1), 'reply')).toEqual([]);
    solo.step({ type: 'drain' });
    expect(brief(solo.produce(0))).toEqual([]);
  });

  it.each([
    ['no batch', [], 'INVALID_RECORD'],
    [
      'two batches of an idempotent producer',
      [
        { producerId: 7, baseSequence: 0 },
        { producerId: 7, baseSequence: 1 },
      ],
      'INVALID_RECORD',
    ],
    ['a gap', [{ producerId: 7, baseSequence: 5 }], 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ])('refuses %s', (_name, shapes, error) => {
    const [reply] = only(leader().produce(1, shapes), 'reply');
    expect(reply).toMatchObject({ error, baseOffset: -1, logStart: 0, currentLeaderEpoch: 1 });
    expect(reply!.message).toMatch(/^letters-0: /);
  });

  it('below the minimum a refused batch makes the next one of its producer no gap', () => {
    const solo = leader([1], {}, 2);
    expect(brief(solo.produce(-1, [{ producerId: 7, baseSequence: 0 }]))).toEqual(['reply 1: NOT_ENOUGH_REPLICAS']);
    expect(brief(solo.produce(-1, [{ producerId: 7, baseSequence: 1 }]))).toEqual(['reply 2: NOT_ENOUGH_REPLICAS']);
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 0 }]))).toEqual(['append 0/1']);
    solo.appended(1);
    expect(brief(solo.produce(-1, [{ producerId: 7, baseSequence: 0 }]))).toEqual([
      'reply 4: NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    ]);
  });

  it('a produce that the log never confirms is answered at its deadline', () => {
    const solo = leader();
    solo.produce(1, [{}], 5000);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 5000);
    expect(brief(solo.tick(4999))).toEqual([]);
    expect(brief(solo.tick(1))).toEqual(['reply 1: REQUEST_TIMED_OUT']);
    expect(brief(solo.appended(1))).toEqual(['high watermark 1']);
  });

  it('refuses more than may wait, and takes more again afterwards', () => {
    const solo = leader([1, 2], { maxPendingProduces: 2 });
    solo.produce(-1);
    solo.produce(-1);
    expect(brief(solo.produce(-1))).toEqual(['reply 3: NOT_ENOUGH_REPLICAS']);
    solo.subscribe(2);
    solo.appended(2);
    solo.report(2, 1);
    expect(brief(solo.produce(-1))).toEqual(['append 2/1']);
  });

  it('an unknown producer may go on where it was once records have been deleted', () => {
    const solo = leader();
    solo.produce(1);
    solo.appended(1);
    solo.step({ type: 'log-start-changed', logStart: 1, firstBatchOffset: 1 });
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 5 }]))).toEqual(['append 1/1']);
  });
});

describe('leader: failed write', () => {
  const failed = (endOffset: number, epoch = 1) => ({
    type: 'append-failed' as const,
    ...{ epoch, endOffset, reason: 'disk full' },
    ...{ producers: new ProducerState(), epochs: LeaderEpochs.from([]) },
  });

  it('fails what is queued behind, keeps what was written, resigns until the record has changed', () => {
    const solo = leader([1, 2]);
    solo.produce(-1);
    solo.produce(1, [{ producerId: 7, baseSequence: 0 }]);
    solo.produce(-1);
    expect(brief(solo.step(failed(1)))).toEqual([
      'reply 2: KAFKA_STORAGE_ERROR',
      'reply 3: KAFKA_STORAGE_ERROR',
      'resign',
    ]);
    expect(brief(solo.produce(1))).toEqual(['reply 4: NOT_LEADER_OR_FOLLOWER']);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 1000);
    expect(brief(solo.tick(1000))).toEqual(['resign']);
    solo.subscribe(2);
    expect(brief(solo.report(2, 1)).slice(0, 2)).toEqual(['high watermark 1', 'reply 1: 0']);
    expect(solo.record({ leader: null, leaderEpoch: 2 })).toEqual([
      { type: 'role-changed', role: 'idle', leaderEpoch: 2 },
    ]);
    expect(brief(solo.tick(1000))).toEqual([]);
  });

  it('told again of the same failure it does nothing', () => {
    const solo = leader();
    solo.produce(1);
    solo.step(failed(0));
    expect(brief(solo.step(failed(0)))).toEqual([]);
  });

  it('a log that ends before what it had confirmed is a broken invariant', () => {
    const solo = leader();
    solo.produce(1);
    solo.appended(1);
    solo.produce(1);
    expect(() => solo.step(failed(0))).toThrow(InvariantViolation);
  });
});

describe('leader: followers', () => {
  it('accepts with the high watermark alone at its end, else with batches', () => {
    const solo = leader([1]);
    expect(brief(solo.subscribe(2, { window: 500 }))).toEqual(['to 2: at 0, high watermark 0', 'propose 1 2']);
    solo.produce(1);
    solo.appended(1);
    expect(brief(solo.subscribe(3, { window: 500 }))).toEqual(['push to 3: 0 to 1, 500 bytes']);
  });

  it('orders one push at a time to each, from where the last one ended, within the window', () => {
    const solo = leader();
    solo.subscribe(2, { window: 500 });
    solo.produce(1);
    const [first] = only(solo.appended(1), 'push');
    solo.produce(1);
    expect(only(solo.appended(2), 'push')).toEqual([]);
    const [second] = only(solo.pushed(first!, 1, 300), 'push');
    expect(second).toMatchObject({ fromOffset: 1, upTo: 2, maxBytes: 200, atLeastOne: false });
    solo.produce(1);
    solo.appended(3);
    expect(brief(solo.pushed(second!, 2, 200))).toEqual([]);
    const [third] = only(solo.report(2, 1, { bytes: 300 }), 'push');
    expect(third).toMatchObject({ fromOffset: 2, upTo: 3, maxBytes: 300 });
  });

  it('a batch larger than what is left waits for a report; with all of the window it may be larger', () => {
    const solo = leader();
    solo.subscribe(2, { window: 500 });
    solo.produce(1);
    const [first] = only(solo.appended(1), 'push');
    expect(first).toMatchObject({ atLeastOne: true });
    solo.produce(1, [{ bytes: 900 }]);
    solo.appended(2);
    const [tooSmall] = only(solo.pushed(first!, 1, 100), 'push');
    expect(tooSmall).toMatchObject({ maxBytes: 400, atLeastOne: false });
    expect(brief(solo.pushed(tooSmall!, 1, 0))).toEqual([]);
    const [whole] = only(solo.report(2, 1, { bytes: 100 }), 'push');
    expect(whole).toMatchObject({ maxBytes: 500, atLeastOne: true });
    solo.produce(1);
    solo.appended(3);
    expect(brief(solo.pushed(whole!, 2, 900))).toEqual([]);
    const [next] = only(solo.report(2, 2, { bytes: 900 }), 'push');
    expect(next).toMatchObject({ maxBytes: 500 });
  });

  it('a report that overtakes an empty push is not waited for again; a batch that can not be read is tried again', () => {
    const solo = leader();
    solo.subscribe(2, { window: 500 });
    solo.produce(1);
    const [first] = only(solo.appended(1), 'push');
    solo.produce(1, [{ bytes: 900 }]);
    solo.appended(2);
    const [tooSmall] = only(solo.pushed(first!, 1, 100), 'push');
    expect(only(solo.report(2, 1, { bytes: 100 }), 'push')).toEqual([]);
    const [whole] = only(solo.pushed(tooSmall!, 1, 0), 'push');
    expect(whole).toMatchObject({ maxBytes: 500, atLeastOne: true });
    expect(brief(solo.pushed(whole!, 1, 0))).toEqual([]);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 1000);
    expect(brief(solo.tick(1000))).toEqual(['push to 2: 1 to 2, 500 bytes']);
  });

  it('a changed high watermark goes alone only when no batch is due', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    solo.produce(1);
    const [first] = only(solo.appended(1), 'push');
    solo.pushed(first!);
    solo.produce(1);
    expect(brief(solo.report(2, 1))).toEqual(['high watermark 1']);
    const [second] = only(solo.appended(2), 'push');
    expect(second).toMatchObject({ highWatermark: 1 });
    solo.pushed(second!);
    expect(brief(solo.report(2, 2))).toEqual(['high watermark 2', 'to 2: at 2, high watermark 2']);
  });

  it('the log start goes along, and a follower that needs what was deleted starts anew', () => {
    const solo = leader();
    for (let i = 0; i < 3; i++) solo.produce(1);
    solo.appended(3);
    const [first] = only(solo.subscribe(2, { window: 100 }), 'push');
    solo.pushed(first!, 1, 100);
    expect(brief(solo.step({ type: 'log-start-changed', logStart: 2, firstBatchOffset: 2 }))).toEqual([
      'to 2: start anew at 2',
    ]);
    const [again] = only(solo.subscribe(2, { subscription: 2, end: 2, lastEpoch: -1 }), 'push');
    expect(again).toMatchObject({ fromOffset: 2, logStart: 2 });
  });

  it.each([
    ['of an earlier epoch', 2, 1, 'FENCED_LEADER_EPOCH'],
    ['of a later epoch', 2, 9, 'UNKNOWN_LEADER_EPOCH'],
    ['of a broker without a replica', 7, 3, 'REPLICA_NOT_AVAILABLE'],
  ])('refuses a subscription %s', (_name, broker, epoch, error) => {
    const solo = new Solo();
    solo.record({ leaderEpoch: 3, isr: members(1) });
    const [refusal] = only(solo.subscribe(broker, { epoch, subscription: 4 }), 'to-follower');
    expect(refusal!.message).toMatchObject({
      type: 'refused',
      error,
      leaderEpoch: epoch,
      subscription: 4,
      currentEpoch: 3,
    });
  });

  it.each<[string, Parameters<Solo['report']>[2]]>([
    ['of another run', { run: 'run-x' }],
    ['of another epoch', { epoch: 2 }],
    ['of another subscription', { subscription: 2 }],
  ])('a report %s does not count', (_name, shape) => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    solo.produce(-1);
    solo.appended(1);
    expect(brief(solo.report(2, 1, shape))).toEqual([]);
    expect(brief(solo.report(2, 1)).slice(0, 2)).toEqual(['high watermark 1', 'reply 1: 0']);
  });

  it('a report of more than the leader has is a broken invariant', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    expect(() => solo.report(2, 1)).toThrow(InvariantViolation);
  });

  it('what a follower reported counts until it subscribes anew, and then only from its answer on', () => {
    const solo = leader([1, 2, 3]);
    solo.subscribe(2);
    solo.subscribe(3);
    solo.produce(-1);
    solo.appended(1);
    solo.report(2, 1);
    solo.step({ type: 'unsubscribe', broker: 2, run: 'run-2' });
    expect(only(solo.report(3, 1), 'high-watermark')).toHaveLength(1);
    expect(solo.replica.replicaProgress()).toMatchObject([
      { broker: 1, logEnd: 1, inIsr: true },
      { broker: 2, logEnd: 1, inIsr: true },
      { broker: 3, logEnd: 1, inIsr: true },
    ]);
    const [diverged] = only(solo.subscribe(2, { end: 2, subscription: 2 }), 'to-follower');
    expect(diverged!.message).toMatchObject({ type: 'diverged', epoch: 1, endOffset: 1 });
    expect(solo.replica.replicaProgress()[1]).toMatchObject({ broker: 2, logEnd: -1 });
  });

  it('nothing is known of a follower in a new epoch, whatever it reported in the one before', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2);
    solo.produce(1);
    solo.appended(1);
    solo.report(2, 1);
    expect(solo.replica.highWatermark).toBe(1);
    solo.produce(1);
    solo.appended(2);
    solo.report(2, 2, { epoch: 1 });
    solo.record({ leaderEpoch: 2, isr: members(1, 2) });
    solo.produce(-1);
    expect(brief(solo.appended(3, 2))).toEqual([]);
    expect(solo.replica.replicaProgress()[1]).toMatchObject({ logEnd: -1 });
    expect(brief(solo.report(2, 3, { epoch: 2 }))).toEqual([]);
    solo.subscribe(2, { epoch: 2, subscription: 2, end: 2, lastEpoch: 1 });
    expect(only(solo.report(2, 3, { epoch: 2, subscription: 2 }), 'reply')).toHaveLength(1);
  });

  it('a late unsubscribe of a former run changes nothing', () => {
    const solo = leader([1, 2]);
    solo.subscribe(2, { run: 'run-old', subscription: 9 });
    solo.subscribe(2, { run: 'run-new', subscription: 1 });
    solo.step({ type: 'unsubscribe', broker: 2, run: 'run-old' });
    solo.produce(1);
    expect(only(solo.appended(1), 'push')).toMatchObject([{ broker: 2, run: 'run-new', subscription: 1 }]);
  });
});
