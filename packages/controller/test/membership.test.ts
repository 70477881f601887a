import { brokerRegistrationCodec, controllerClaimCodec, lastRunCodec } from '@ottla/metadata';
import { KEYS } from './controller-fixtures';
import { registration, TIMINGS } from './fixtures';
import { ClusterWorld, type Process } from './world/cluster-world';

const details = (broker: number) => {
  const { logIds, rack, kafka, grpc, peer, startedAt } = registration(broker);
  return { logIds, rack, kafka, grpc, peer, startedAt };
};

async function registeredRun(world: ClusterWorld, broker: number): Promise<string | null> {
  const { kv } = await world.store.get(KEYS.broker(broker));
  return kv === null ? null : brokerRegistrationCodec.decode(kv.value, kv.key).run;
}

describe('the last run of a broker', () => {
  async function lastRun(world: ClusterWorld): Promise<{ run: string; starts: number } | null> {
    const { kv } = await world.store.get(KEYS.lastRun(1));
    if (kv === null) return null;
    const { run, starts } = lastRunCodec.decode(kv.value, kv.key);
    return { run, starts };
  }

  const start = (world: ClusterWorld, process: Process, number: number, predecessor: string | null) =>
    world.until(process.member.start({ ...details(1), start: { number, predecessor } }));

  it('is written in the transaction that registers it, outlives it, and keeps fields of later versions', async () => {
    const world = new ClusterWorld();
    const value = Buffer.from(JSON.stringify({ version: 1, broker: 1, run: 'run-0', starts: 7, laterField: [3] }));
    await world.store.txn({ compare: [], success: [{ type: 'put', key: KEYS.lastRun(1), value }] });
    const process = await world.launch(1);
    await start(world, process, 8, 'run-0');
    const { kv } = await world.store.get(KEYS.lastRun(1));
    expect(kv!.modRevision).toBe((await world.store.get(KEYS.broker(1))).kv!.modRevision);
    expect(JSON.parse(Buffer.from(kv!.value).toString())).toMatchObject({ run: 'run-1', starts: 8, laterField: [3] });
    await world.until(process.member.close());
    expect(await lastRun(world)).toEqual({ run: 'run-1', starts: 8 });
  });

  it('stays that run through every registration of it', async () => {
    const world = new ClusterWorld();
    const process = await world.launch(1);
    await start(world, process, 3, null);
    await world.store.txn({ compare: [], success: [{ type: 'delete', key: KEYS.broker(1) }] });
    await world.untilTrue(async () => (await registeredRun(world, 1)) === 'run-1');
    expect(await lastRun(world)).toEqual({ run: 'run-1', starts: 3 });
  });

  it('an answer that is lost does not make it another one', async () => {
    const world = new ClusterWorld();
    const process = await world.launch(1);
    process.store.loseAnswerTo((txn) => txn.success.some((op) => op.type === 'put' && op.key === KEYS.lastRun(1)));
    await start(world, process, 1, null);
    expect([await registeredRun(world, 1), await lastRun(world)]).toEqual(['run-1', { run: 'run-1', starts: 1 }]);
  });

  it('another one than when the log ids were settled: the broker is refused, and nothing is written', async () => {
    const world = new ClusterWorld();
    const late = await world.launch(1, 'run-late');
    const other = await world.join(1, 'run-other', 7_777);
    await world.until(other.member.close());
    await expect(start(world, late, 1, null)).rejects.toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
    expect([await world.registered(), (await lastRun(world))?.run]).toEqual([[], 'run-other']);
  });

  it('another one while this process was not registered: it does not come back', async () => {
    const world = new ClusterWorld();
    const process = await world.join(1);
    const value = lastRunCodec.encode({ version: 1, broker: 1, run: 'run-other', starts: 9 });
    await world.store.txn({
      compare: [],
      success: [
        { type: 'put', key: KEYS.lastRun(1), value },
        { type: 'delete', key: KEYS.broker(1) },
      ],
    });
    await world.run(5_000, 50);
    expect(process.superseded).toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
    expect(await world.registered()).toEqual([]);
  });

  it('an earlier one in a restored store: this run takes its place', async () => {
    const world = new ClusterWorld();
    (await world.join(1)).kill();
    await world.run(10 * TIMINGS.leaseTtlMs, 50);
    const backup = world.store.backup();
    const process = await world.launch(1, 'run-1b');
    await world.until(process.member.prepare());
    process.listen();
    await start(world, process, 2, 'run-1');
    world.store.restore(backup);
    await world.untilTrue(async () => (await registeredRun(world, 1)) === 'run-1b');
    expect(await lastRun(world)).toEqual({ run: 'run-1b', starts: 2 });
    expect(process.superseded).toBeNull();
  });
});

describe('registration', () => {
  it('is created under the lease, and vanishes at once when the broker leaves', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    const { kv } = await world.store.get(KEYS.broker(1));
    expect(kv?.version).toBe(1);
    expect(kv?.lease).not.toBe('0');
    await world.until(one.member.close());
    expect(await world.registered()).toEqual([]);
    expect((await world.store.get(KEYS.controller())).kv).toBeNull();
  });

  it('outlives its TTL while the broker lives, and not by much when it dies', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    await world.run(10 * TIMINGS.leaseTtlMs, 50);
    expect(await world.registered()).toEqual([1]);
    one.kill();
    const took = await world.untilTrue(async () => (await world.registered()).length === 0);
    expect(took).toBeLessThanOrEqual(TIMINGS.leaseTtlMs);
  });

  it('of a predecessor that is dead is removed at once, with the claim that it had', async () => {
    const world = new ClusterWorld();
    (await world.join(1)).kill();
    const from = world.clock.now();
    const again = await world.join(1, 'run-1b');
    expect(world.clock.now() - from).toBeLessThan(50);
    expect(await registeredRun(world, 1)).toBe('run-1b');
    await world.untilTrue(() => again.member.isController, 100);
  });

  it('of a predecessor that still runs is respected: the newcomer is told where it runs', async () => {
    const world = new ClusterWorld();
    await world.join(1);
    const other = await world.launch(1, 'run-1b', 7_777);
    await expect(world.until(other.member.prepare())).rejects.toMatchObject({
      code: 'DUPLICATE_BROKER_REGISTRATION',
      message: expect.stringContaining('broker id 1 is already running at localhost:9293'),
    });
    expect(await registeredRun(world, 1)).toBe('run-1');
  });

  it('of a dead predecessor whose port another process has taken ends with its lease', async () => {
    const world = new ClusterWorld();
    (await world.join(1)).kill();
    world.network.listen(9293, 5, () => {});
    const from = world.clock.now();
    const again = await world.launch(1, 'run-1b', 7_777);
    await world.until(again.member.prepare());
    expect(world.clock.now() - from).toBeLessThanOrEqual(TIMINGS.leaseTtlMs + 250);
    expect(await world.registered()).toEqual([]);
  });

  it('of two processes with one id that start together: one is refused', async () => {
    const world = new ClusterWorld();
    const a = await world.launch(1, 'run-a', 7_001);
    const b = await world.launch(1, 'run-b', 7_002);
    await world.until(Promise.all([a.member.prepare(), b.member.prepare()]));
    const results = await world.until(Promise.allSettled([a.member.start(details(1)), b.member.start(details(1))]));
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const rejected = results.find((result) => result.status === 'rejected');
    expect(rejected?.reason).toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
  });

  it('taken over by another process: the first one is told to stop, and writes nothing more', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    const { kv } = await world.store.get(KEYS.broker(1));
    const value = brokerRegistrationCodec.encode({ ...registration(1), run: 'run-1b' });
    await world.store.txn({ compare: [], success: [{ type: 'delete', key: kv!.key }] });
    await world.store.txn({ compare: [], success: [{ type: 'put', key: kv!.key, value }] });
    await world.run(10_000, 50);
    expect(one.superseded).toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
    expect(await registeredRun(world, 1)).toBe('run-1b');
  });

  it('of its own past, in a restored store that its image has not heard of yet, takes nothing over', async () => {
    const world = new ClusterWorld();
    const former = await world.join(1);
    const backup = world.store.backup();
    former.kill();
    const process = await world.join(1, 'run-1b');
    process.store.holdWatch();
    world.store.restore(backup);
    await world.run(TIMINGS.leaseTtlMs / 2);
    expect(await registeredRun(world, 1)).toBe('run-1');
    expect(process.superseded).toBeNull();
    process.store.releaseWatch();
    await world.untilTrue(async () => (await registeredRun(world, 1)) === 'run-1b');
    expect(process.superseded).toBeNull();
  });

  it('whose answer was lost is recognised as its own', async () => {
    const world = new ClusterWorld();
    const one = await world.launch(1);
    one.store.loseAnswerTo((txn) => txn.success.some((op) => op.type === 'put' && op.key === KEYS.broker(1)));
    await world.until(one.member.start(details(1)));
    const { kv } = await world.store.get(KEYS.broker(1));
    expect(kv?.version).toBe(1);
    await world.untilTrue(() => one.member.isController);
  });

  it('draining rewrites it in place: same create revision, another mod revision', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    const before = (await world.store.get(KEYS.broker(1))).kv!;
    expect(await world.until(one.member.drain(1_000))).toBe(true);
    const after = (await world.store.get(KEYS.broker(1))).kv!;
    expect(brokerRegistrationCodec.decode(after.value, after.key).state).toBe('draining');
    expect(after.createRevision).toBe(before.createRevision);
    expect(after.modRevision).toBeGreaterThan(before.modRevision);
    expect(after.lease).toBe(before.lease);
  });
});

describe('the lease', () => {
  it('is not renewed once it must be counted as lost, and a new one is taken when the store is back', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    const first = (await world.store.get(KEYS.broker(1))).kv!.lease;
    await world.run(1_000);
    one.store.cut();
    const cutAt = world.clock.now();
    await world.run(TIMINGS.leaseTtlMs + 5_000, 50);
    one.store.heal();
    await world.untilTrue(async () => (await world.registered()).length === 1);
    const renewals = one.store.keepAlives.filter((call) => call.lease === first).map((call) => call.at);
    expect(Math.max(...renewals)).toBeLessThan(cutAt + TIMINGS.leaseTtlMs);
    expect((await world.store.get(KEYS.broker(1))).kv!.lease).not.toBe(first);
    expect(await registeredRun(world, 1)).toBe('run-1');
  });

  it('lost and taken anew: a broker that is alone is the controller again, though it hears of its registration before the answer', async () => {
    const world = new ClusterWorld();
    const broker = await world.join(1);
    await world.untilTrue(() => broker.member.isController);
    broker.store.answerLate(20);
    broker.store.cut();
    await world.run(10_000);
    broker.store.heal();
    await world.untilTrue(() => broker.member.isController, 5_000);
  });

  it('counts from before the request was sent: a slow renewal does not prolong it', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    await world.run(3_000);
    const sent = one.store.keepAlives.at(-1)!.at;
    one.store.cut();
    await world.untilTrue(() => !one.member.isController);
    expect(world.clock.now() - sent).toBeLessThanOrEqual(TIMINGS.leaseTtlMs + 5);
  });

  it('lost while the store still has its keys (this process slept): they are removed and created anew', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    await world.run(100);
    const before = (await world.store.get(KEYS.broker(1))).kv!;
    await world.store.keepAlive(before.lease);
    world.clock.advance(0);
    one.store.cut();
    for (let passed = 0; passed < 12_000; passed += 1_000) {
      await world.store.keepAlive(before.lease);
      await world.run(1_000, 50);
    }
    expect((await world.store.get(KEYS.broker(1))).kv).not.toBeNull();
    one.store.heal();
    await world.untilTrue(async () => (await world.store.get(KEYS.broker(1))).kv?.lease !== before.lease);
    await world.untilTrue(() => one.member.isController);
    const claim = (await world.store.get(KEYS.controller())).kv!;
    expect(controllerClaimCodec.decode(claim.value, claim.key).epoch).toBe(2);
    expect(claim.version).toBe(1);
  });
});
