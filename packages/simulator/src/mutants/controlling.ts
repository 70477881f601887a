import type { Mutant } from './mutant';

const REGISTRAR = 'packages/controller/src/host/membership/broker-registrar.ts';
const CONTROLLER_HOST = 'packages/controller/src/host/controlling/controller-host.ts';
const GUARDS = 'packages/controller/src/core/txn/guards.ts';

/** Who is a member, who is the controller, and what it may write. */
export const CONTROLLING: readonly Mutant[] = [
  {
    name: 'registration-put-over',
    invariant: '1 one leader',
    loses: 'Two processes with one broker id, and guards that hold for both.',
    edits: [
      {
        file: REGISTRAR,
        find: `      compare: [{ key, target: 'create', equals: 0 }, lastRun.guard],`,
        replace: `      compare: [],`,
      },
      {
        file: REGISTRAR,
        find: `      if (!settled || this.#everRegistered) throw this.#superseded(last.run);\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'claim-put-over',
    ambush: 'a new controller dies',
    invariant: '7 controller epoch',
    loses: 'Two controllers at once: what the deposed one writes still passes its guard.',
    edits: [{ file: CONTROLLER_HOST, find: `        absentGuard(keys.controller()),\n`, replace: '' }],
  },
  {
    name: 'controller-write-without-partition-guard',
    ambush: 'the leader dies when the controller has not heard of a smaller ISR',
    invariant: '6 in sync',
    loses: 'Acknowledged records: the controller brings back an ISR that the leader has just changed.',
    edits: [
      {
        file: 'packages/controller/src/core/partitions/plan-partitions.ts',
        find: `  const compare = [partitionGuard(state.keys, topicId, partition, record)];`,
        replace: `  const compare: ReturnType<typeof partitionGuard>[] = [];`,
      },
    ],
  },
  {
    name: 'deposed-controller-writes',
    ambush: 'a new controller is stopped for a while',
    invariant: '1 one controller',
    loses: 'A controller that was paused undoes what its successor has decided.',
    edits: [
      {
        file: 'packages/controller/src/core/partitions/plan-partitions.ts',
        find: `  const compare = [partitionGuard(state.keys, topicId, partition, record)];`,
        replace: `  const compare: ReturnType<typeof partitionGuard>[] = [];`,
      },
      {
        file: GUARDS,
        find: `target: 'create', equals: claim.createRevision }`,
        replace: `target: 'create', greater: Math.min(-1, claim.createRevision) }`,
      },
    ],
  },
  {
    name: 'fencing-without-registration-guard',
    ambush: 'a machine is back before the controller hears of it',
    invariant: '9 bounded fencing',
    loses: 'A broker that has just come back is thrown out for its predecessor.',
    edits: [
      {
        file: 'packages/controller/src/core/detection/succession.ts',
        find: `compare: [...change.compare, fenced]`,
        replace: `compare: fenced === null ? [] : change.compare`,
      },
      {
        file: 'packages/controller/src/core/detection/fencing.ts',
        find: `    compare: [registrationGuard(state.keys, registration)],`,
        replace: `    compare: [].map(() => registrationGuard(state.keys, registration)),`,
      },
    ],
  },
  {
    name: 'fencing-ping-pong',
    ambush: 'a firewall stands before a broker, and connections break',
    invariant: '9 bounded fencing',
    loses: 'A broker behind a firewall is thrown out and let in again for ever, and its partitions with it.',
    edits: [
      {
        file: 'packages/controller/src/core/detection/suspicion.ts',
        find: `    return now >= (this.#distrustedUntil.get(run) ?? Number.NEGATIVE_INFINITY);`,
        replace: `    return now >= Number.NEGATIVE_INFINITY || this.#distrustedUntil.has(run);`,
      },
    ],
  },
  {
    name: 'lost-lease-renewed',
    ambush: 'a new controller cannot reach the store for a while',
    invariant: '9 convergence',
    loses: 'A broker that was cut off from the store for a while never comes back until it is restarted.',
    edits: [
      {
        file: 'packages/controller/src/host/membership/broker-lease.ts',
        find: `    const id = this.#held?.id;
    this.#forget();`,
        replace: `    const id = this.#held?.id;
    if (id !== undefined) return this.#scheduleRenewal(this.#held!.ttlMs / 3);
    this.#forget();`,
      },
    ],
  },
  {
    name: 'watch-resumes-past-applied',
    ambush: 'what brokers catch up with is cut',
    invariant: '8 image',
    loses:
      'A broker that never hears of a topic, or of a leader, because a long catch-up was cut: etcd3 resumes like this.',
    edits: [
      {
        file: 'packages/metadata/src/etcd/watch-stream.ts',
        find: `    else if (response.events.length > 0 || this.#held.length > 0) this.#hold(response);`,
        replace: `    else if (response.events.length > 0 || this.#held.length > 0) {
      this.#hold(response);
      this.#receiver?.onProgress(Number(response.header.revision));
    }`,
      },
      {
        file: 'packages/metadata/src/etcd/etcd-watch.ts',
        find: `          if (!this.#closed && revision >= this.#next - 1) this.#options.handler.onProgress?.(revision);`,
        replace: `          Object.assign(this, { newest: revision });`,
      },
      {
        file: 'packages/metadata/src/etcd/etcd-watch.ts',
        find: `      await stream.open(this.#next);`,
        replace: `      await stream.open(Math.max(this.#next, ((this as { newest?: number }).newest ?? 0) + 1));`,
      },
    ],
  },
];
