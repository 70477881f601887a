import { brokerRegistrationCodec, controllerClaimCodec, partitionRecordCodec, topicRecordCodec } from '@ottla/metadata';
import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import fc from 'fast-check';
import type { SessionView } from '../src/core/controller-state';
import { Observations } from '../src/core/detection/observations';
import { Suspicion } from '../src/core/detection/suspicion';
import { originalReplicas } from '../src/core/reassignment/assignment';
import { reconcile } from '../src/core/reconcile';
import type { PlannedTxn } from '../src/core/txn/planned-txn';
import { KEYS } from './controller-fixtures';
import { type BrokerState, DEFAULTS, record, registration, TIMINGS, topic } from './fixtures';
import { PlainStore } from './plain-store';

const CONTROLLER = 9;
const REPLICAS = [1, 2, 3, 4];
const MAX_ROUNDS = 8;

interface World {
  readonly brokers: readonly (BrokerState | 'absent')[];
  readonly sessions: readonly (SessionView | null)[];
  readonly records: readonly PartitionRecord[];
  readonly unclean: boolean;
  readonly minimum: number;
  /** When absence begins to count, relative to the first look. */
  readonly absenceAfter: number;
}

const member = (broker: number): fc.Arbitrary<ReplicaId> =>
  fc.constantFrom({ broker, logId: `log-${broker}` }, { broker, logId: 'older' });

const members = fc
  .subarray(REPLICAS)
  .chain((brokers) => fc.tuple(...brokers.map(member)))
  .map((list) => list as ReplicaId[]);

/** A reassignment under way: the first of the replicas are added, the last ones leave. */
function reassigning(
  replicas: number[],
  moves: { adding: number; removing: number; removed: boolean },
): Pick<PartitionRecord, 'replicas' | 'adding' | 'removing' | 'original' | 'removed'> {
  const adding = replicas.slice(0, Math.min(moves.adding, replicas.length - 1));
  const others = replicas.slice(adding.length);
  const removing = others.slice(Math.max(0, others.length - Math.min(moves.removing, replicas.length - 1)));
  const away = REPLICAS.find((broker) => !replicas.includes(broker));
  const removed = moves.removed && away !== undefined ? { removed: [away] } : {};
  const isUnderWay = adding.length + removing.length > 0;
  return { replicas, adding, removing, ...(isUnderWay ? { original: others } : {}), ...removed };
}

/** Any record that could have come about: a leader is in the ISR, the ELR is beside it and below the minimum. */
const partitionRecord: fc.Arbitrary<PartitionRecord> = fc
  .record({
    replicas: fc.shuffledSubarray(REPLICAS, { minLength: 1 }),
    isr: members,
    elr: members,
    lead: fc.option(fc.record({ nth: fc.nat(3), restarted: fc.boolean() })),
    minIsr: fc.integer({ min: 1, max: 3 }),
    lastKnown: fc.option(fc.constantFrom(...REPLICAS).chain(member)),
    leaderEpoch: fc.nat(50),
    unclean: fc.boolean(),
    moves: fc.record({ adding: fc.nat(2), removing: fc.nat(2), removed: fc.boolean() }),
  })
  .map(({ replicas, isr, elr, lead, minIsr, lastKnown, leaderEpoch, unclean, moves }) => {
    const assignment = reassigning(replicas, moves);
    const inIsr = isr.filter((entry) => replicas.includes(entry.broker));
    const minimum = Math.min(minIsr, originalReplicas(assignment).length);
    const eligible = elr.filter(
      ({ broker }) => replicas.includes(broker) && !inIsr.some((entry) => entry.broker === broker),
    );
    const leader = lead === null ? undefined : inIsr[lead.nth % Math.max(1, inIsr.length)]?.broker;
    return record({
      ...assignment,
      isr: inIsr,
      elr: inIsr.length < minimum ? eligible : [],
      leader: leader === undefined ? null : { broker: leader, run: `run-${leader}${lead?.restarted ? 'b' : ''}` },
      minIsr: minimum,
      lastKnownLeader: lastKnown !== null && replicas.includes(lastKnown.broker) ? lastKnown : null,
      leaderEpoch,
      unclean,
    });
  });

const sessionView: fc.Arbitrary<SessionView | null> = fc.option(
  fc.record({
    run: fc.constantFrom('a', 'b'),
    heardAt: fc.nat(10_000),
    open: fc.boolean(),
    refused: fc.boolean(),
  }),
);

const world: fc.Arbitrary<World> = fc.record({
  brokers: fc.tuple(
    ...REPLICAS.map(() =>
      fc.constantFrom<BrokerState | 'absent'>('up', 'up', 'draining', 'restarted', 'wiped', 'absent'),
    ),
  ),
  sessions: fc.tuple(...REPLICAS.map(() => sessionView)),
  records: fc.array(partitionRecord, { minLength: 1, maxLength: 6 }),
  unclean: fc.boolean(),
  minimum: fc.integer({ min: 1, max: 3 }),
  absenceAfter: fc.constantFrom(Number.NEGATIVE_INFINITY, 1_000),
});

function build(given: World): PlainStore {
  const store = new PlainStore();
  const claim = { version: 1 as const, broker: CONTROLLER, run: `run-${CONTROLLER}`, epoch: 1 };
  store.put(KEYS.controller(), controllerClaimCodec.encode(claim));
  store.put(KEYS.broker(CONTROLLER), brokerRegistrationCodec.encode(registration(CONTROLLER)));
  for (const [index, state] of given.brokers.entries()) {
    const broker = REPLICAS[index]!;
    if (state !== 'absent') store.put(KEYS.broker(broker), brokerRegistrationCodec.encode(registration(broker, state)));
  }
  const shown = topic('t', given.records.length, { 'min.insync.replicas': `${given.minimum}` });
  store.put(KEYS.topic('t'), topicRecordCodec.encode(shown));
  for (const [partition, value] of given.records.entries()) {
    store.put(KEYS.partition('id-t', partition), partitionRecordCodec.encode(value));
  }
  return store;
}

/** Reconciles until nothing is left to do, checking each transaction against the image that it was planned from. */
class Run {
  readonly #observations = new Observations();
  readonly #suspicion = new Suspicion(TIMINGS.distrustMs);
  rounds = 0;

  constructor(
    readonly given: World,
    readonly store: PlainStore,
    readonly onTxn: (txn: PlannedTxn, store: PlainStore, now: number) => void,
  ) {}

  settle(now: number): number | null {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const plan = this.#plan(now);
      const transactions = plan.fencings.length > 0 ? plan.fencings.map(({ txn }) => txn) : plan.transactions;
      if (transactions.length === 0) return plan.nextDeadline;
      for (const txn of transactions) this.onTxn(txn, this.store, now);
    }
    throw new Error(`no fixpoint after ${MAX_ROUNDS} rounds`);
  }

  #plan(now: number) {
    const image = this.store.image();
    this.#observations.onImage(image, now);
    const sessions = this.given.sessions.flatMap((view, index) => {
      const broker = REPLICAS[index]!;
      return view === null ? [] : [[broker, { ...view, run: `run-${broker}${view.run === 'b' ? 'b' : ''}` }] as const];
    });
    return reconcile(
      {
        image,
        keys: KEYS,
        self: { broker: CONTROLLER, run: `run-${CONTROLLER}` },
        claim: image.controller!,
        sessions: new Map(sessions),
        silenceCountsFrom: 0,
        formerController: null,
        absenceCountsFrom: START + this.given.absenceAfter,
        observations: this.#observations,
        suspicion: this.#suspicion,
        timings: TIMINGS,
        defaults: { ...DEFAULTS, uncleanLeaderElection: this.given.unclean },
        leaderBalance: { dueAt: START, perBrokerPercentage: 10 },
        mayStandDown: false,
      },
      now,
    );
  }
}

const START = 10_000;
const LATER = START + 100_000;

function forEachTxn(check: (txn: PlannedTxn, before: PlainStore, given: World) => void): void {
  fc.assert(
    fc.property(world, (given) => {
      const run = new Run(given, build(given), (txn, store) => {
        check(txn, store, given);
        expect(store.txn(txn).succeeded).toBe(true);
      });
      run.settle(START);
      run.settle(LATER);
    }),
    { numRuns: 60 },
  );
}

const decode = (store: PlainStore, key: string): PartitionRecord =>
  partitionRecordCodec.decode(store.get(key)!.value, key);

function partitionPuts(txn: PlannedTxn): { key: string; after: PartitionRecord }[] {
  return txn.success.flatMap((op) =>
    op.type === 'put' && op.key.startsWith(KEYS.partitions())
      ? [{ key: op.key, after: partitionRecordCodec.decode(op.value, op.key) }]
      : [],
  );
}

describe('reconciling any cluster', () => {
  it('reaches a fixpoint: planning again plans nothing', () => {
    forEachTxn(() => {});
  });

  it('every transaction carries its guards: the claim, each record, each new leader, each registration it deletes', () => {
    forEachTxn((txn, store) => {
      const claim = store.get(KEYS.controller())!;
      expect(txn.compare).toContainEqual({ key: KEYS.controller(), target: 'create', equals: claim.createRevision });
      const unchanged = (key: string) => ({ key, target: 'mod', equals: store.get(key)!.modRevision });
      for (const { key, after } of partitionPuts(txn)) {
        expect(txn.compare).toContainEqual(unchanged(key));
        const before = decode(store, key);
        if (after.leader !== null && after.leaderEpoch !== before.leaderEpoch) {
          expect(txn.compare).toContainEqual(unchanged(KEYS.broker(after.leader.broker)));
        }
        if (after.minIsr !== before.minIsr) expect(txn.compare).toContainEqual(unchanged(KEYS.topic('t')));
      }
      for (const op of txn.success) {
        if (op.type === 'delete') expect(txn.compare).toContainEqual(unchanged(op.key));
      }
    });
  });

  it('epochs never go back, and one epoch never has two leaders', () => {
    forEachTxn((txn, store) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        expect([before.leaderEpoch, before.leaderEpoch + 1]).toContain(after.leaderEpoch);
        if (after.leaderEpoch === before.leaderEpoch) expect(after.leader).toEqual(before.leader);
      }
    });
  });

  it('a new leader is registered, active, of the assignment, in its run, and in the ISR with a log that it has', () => {
    forEachTxn((txn, store) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        if (after.leader === null || after.leaderEpoch === before.leaderEpoch) continue;
        const broker = KEYS.broker(after.leader.broker);
        const registered = brokerRegistrationCodec.decode(store.get(broker)!.value, broker);
        const inIsr = after.isr.find((entry) => entry.broker === after.leader!.broker);
        expect(registered).toMatchObject({ run: after.leader.run, state: 'active' });
        expect(after.replicas).toContain(after.leader.broker);
        expect(registered.logIds).toContain(inIsr?.logId);
      }
    });
  });

  it('a clean leader was in the ISR, or eligible with nobody left in it, with that very log', () => {
    forEachTxn((txn, store) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        if (after.leader === null || after.leaderEpoch === before.leaderEpoch || after.unclean) continue;
        const inIsr = after.isr.find((entry) => entry.broker === after.leader!.broker);
        const wasInSync = before.isr.some((entry) => entry.broker === inIsr?.broker && entry.logId === inIsr.logId);
        const wasEligible = before.elr.some((entry) => entry.broker === inIsr?.broker && entry.logId === inIsr.logId);
        expect(wasInSync || wasEligible).toBe(true);
        if (!wasInSync) expect(after.isr).toHaveLength(1);
      }
    });
  });

  it('an unclean leader is taken only when nobody who may hold everything is there', () => {
    forEachTxn((txn, store, given) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        if (!after.unclean || after.leaderEpoch === before.leaderEpoch) continue;
        for (const entry of [...before.isr, ...before.elr]) {
          const registered = store.get(KEYS.broker(entry.broker));
          const value = registered && brokerRegistrationCodec.decode(registered.value, registered.key);
          const isThere = value?.logIds.includes(entry.logId) ?? false;
          expect(isThere && before.replicas.includes(entry.broker)).toBe(false);
          const isAway = value === undefined && before.replicas.includes(entry.broker);
          if (isAway) expect(given.unclean).toBe(true);
        }
      }
    });
  });

  it('who may hold everything is never forgotten below the minimum', () => {
    forEachTxn((txn, store) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        const tookAnyone = after.unclean && after.leaderEpoch !== before.leaderEpoch;
        if (tookAnyone || after.minIsr !== before.minIsr || after.isr.length >= after.minIsr) continue;
        for (const entry of [...before.isr, ...before.elr]) {
          const registered = store.get(KEYS.broker(entry.broker));
          const value = registered && brokerRegistrationCodec.decode(registered.value, registered.key);
          if (!before.replicas.includes(entry.broker) || (value && !value.logIds.includes(entry.logId))) continue;
          expect([...after.isr, ...after.elr]).toContainEqual(entry);
        }
      }
    });
  });

  it('replicas leave when those that stay make up the minimum, in a new epoch, and are remembered for their folders', () => {
    forEachTxn((txn, store) => {
      for (const { key, after } of partitionPuts(txn)) {
        const before = decode(store, key);
        const left = before.replicas.filter((broker) => !after.replicas.includes(broker));
        expect(after.removed ?? []).toEqual([...(before.removed ?? []), ...left]);
        if (left.length === 0) continue;
        expect(left).toEqual(before.removing);
        expect(after.isr.length).toBeGreaterThanOrEqual(after.minIsr);
        expect(before.isr).toEqual(expect.arrayContaining(after.isr));
        expect(after.isr.map((entry) => entry.broker)).toEqual(expect.arrayContaining(before.adding));
        expect(after.leaderEpoch).toBe(before.leaderEpoch + 1);
        for (const entry of after.isr) {
          const registered = store.get(KEYS.broker(entry.broker))!;
          const guard = { key: registered.key, target: 'mod', equals: registered.modRevision };
          expect(txn.compare).toContainEqual(guard);
          expect(brokerRegistrationCodec.decode(registered.value, '').logIds).toContain(entry.logId);
        }
      }
    });
  });

  it('the ISR contains the leader, the ELR is beside the ISR and empty from the minimum on', () => {
    forEachTxn((txn) => {
      for (const { after } of partitionPuts(txn)) {
        const inIsr = after.isr.map((entry) => entry.broker);
        if (after.leader !== null) expect(inIsr).toContain(after.leader.broker);
        expect(after.elr.filter((entry) => inIsr.includes(entry.broker))).toEqual([]);
        if (after.isr.length >= after.minIsr) expect(after.elr).toEqual([]);
      }
    });
  });

  it('a deposed controller writes nothing: its guards refuse all that it planned', () => {
    fc.assert(
      fc.property(world, (given) => {
        const store = build(given);
        const planned: PlannedTxn[] = [];
        const run = new Run(given, store, (txn) => {
          planned.push(txn);
          expect(store.txn(txn).succeeded).toBe(true);
        });
        const taken = new Run(given, build(given), (txn, other) => {
          const claim = other.get(KEYS.controller())!;
          other.delete(KEYS.controller());
          other.put(KEYS.controller(), claim.value);
          expect(other.txn(txn).succeeded).toBe(false);
          throw STOP;
        });
        run.settle(LATER);
        if (planned.length > 0) expect(() => taken.settle(LATER)).toThrow(STOP);
      }),
      { numRuns: 30 },
    );
  });
});

const STOP = new Error('seen enough');
