import { type ErrorName, errorName } from '@ottla/protocol';
import fc from 'fast-check';
import { groupMetadataValue } from '../src';
import type { Group } from '../src/group';
import { groupRecord } from '../src/records/group-metadata';
import type { Shard } from '../src/shard';
import { bytes, Client, commitResult, Driver, OPTIONS, syncResult } from './driver';

const PARTITIONS = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'];
/** Retention would delete the empty group and with it its generation; that is another test's. */
const options = { ...OPTIONS, groupInitialRebalanceDelayMs: 500, offsetsRetentionCheckIntervalMs: 1e12 };

const DEFINITE: ErrorName[] = ['NOT_ENOUGH_REPLICAS', 'MESSAGE_TOO_LARGE'];
const DOUBTFUL: ErrorName[] = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];

type Action =
  | { kind: 'drive' | 'commit' | 'join again' | 'change metadata' | 'leave' | 'die'; who: number }
  | { kind: 'drive all' | 'confirm' | 'confirm all' }
  | { kind: 'fail'; error: ErrorName }
  | { kind: 'pass'; ms: number }
  | { kind: 'crash'; keep: number };

const who = fc.nat(3);
const always = <K extends string>(kind: K): fc.Arbitrary<{ kind: K }> => fc.constant({ kind });
const of = <K extends string>(kind: K): fc.Arbitrary<{ kind: K; who: number }> =>
  fc.record({ kind: fc.constant(kind), who });

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: of('drive') },
  { weight: 10, arbitrary: always('drive all') },
  { weight: 4, arbitrary: of('commit') },
  { weight: 1, arbitrary: fc.oneof(of('join again'), of('change metadata'), of('leave'), of('die')) },
  { weight: 3, arbitrary: always('confirm') },
  { weight: 8, arbitrary: always('confirm all') },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 600, 600, 600, 4_000, 12_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), error: fc.constantFrom(...DEFINITE, ...DOUBTFUL) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), keep: fc.nat(3) }) },
);

/** Clients that behave as clients do, around a coordinator whose writes and life are at the mercy of the actions. */
class World {
  readonly driver = new Driver(options);
  readonly clients: Client[] = [];
  private readonly joins = new Map<Client, number>();
  private readonly syncs = new Map<Client, { request: number; generation: number }>();
  private readonly synced = new Set<Client>();
  private readonly metadata = new Map<Client, Uint8Array>();
  /** The members that a client was told when it joined, if it leads. */
  private readonly members = new Map<Client, string[]>();
  private readonly commits: { request: number; value: number }[] = [];
  /** Who owns what by generation: instance id where there is one, since a restarted process takes over its part. */
  private readonly owners = new Map<number, Map<string, string>>();
  private confirmed = 0;
  private newestGeneration = 0;
  private lastValue = 0;
  private acknowledged = -1;
  private lastSeen = -1;
  private revisions = 0;

  constructor() {
    this.driver.hold = true;
    for (let i = 0; i < 4; i++) {
      const settings = i === 3 ? { groupInstanceId: 'static' } : {};
      this.clients.push(new Client(this.driver, `c${i}`, settings));
    }
  }

  run(step: Action): void {
    const { driver } = this;
    switch (step.kind) {
      case 'drive all':
        for (const client of this.clients) this.drive(client);
        break;
      case 'confirm':
        this.confirm();
        break;
      case 'confirm all':
        while (driver.waiting.length > 0) this.confirm();
        break;
      case 'fail':
        if (driver.waiting.length === 0) break;
        if (DOUBTFUL.includes(step.error)) driver.append(driver.waiting[0]!);
        driver.fail(step.error);
        break;
      case 'pass':
        driver.pass(step.ms);
        break;
      case 'crash':
        this.crash(step.keep);
        break;
      default:
        this.act(this.clients[step.who]!, step.kind);
    }
    this.collect();
    this.checkOffsets();
  }

  private confirm(): void {
    if (this.driver.waiting.length === 0) return;
    this.driver.confirm();
    this.confirmed = this.driver.log.length;
  }

  /** What was confirmed survives, and of the rest as many records as luck will have it. */
  private crash(keep: number): void {
    const { driver } = this;
    for (const write of driver.waiting) driver.append(write);
    driver.log.length = Math.min(driver.log.length, this.confirmed + keep);
    this.confirmed = driver.log.length;
    this.joins.clear();
    this.syncs.clear();
    this.commits.length = 0;
    driver.crash();
  }

  private act(client: Client, kind: string): void {
    switch (kind) {
      case 'drive':
        this.drive(client);
        break;
      case 'commit': {
        const value = ++this.lastValue;
        this.commits.push({ request: client.commit({ t: value }), value });
        break;
      }
      case 'join again':
        this.join(client);
        break;
      case 'change metadata':
        this.metadata.set(client, bytes(`changed ${++this.revisions}`));
        this.join(client);
        break;
      case 'leave':
        if (client.memberId !== '') client.leave();
        this.forget(client);
        break;
      default:
        this.forget(client);
    }
  }

  /** The next thing that a well-behaved client does. */
  private drive(client: Client): void {
    if (this.joins.has(client) || this.syncs.has(client)) return;
    if (client.generation < 0) this.join(client);
    else if (!this.synced.has(client)) this.sync(client);
    else this.heartbeat(client);
  }

  private join(client: Client): void {
    this.syncs.delete(client);
    this.synced.delete(client);
    const metadata = this.metadata.get(client) ?? bytes('same');
    this.joins.set(client, client.join({ protocols: [{ name: 'range', metadata }] }));
  }

  private heartbeat(client: Client): void {
    const result = client.heartbeat();
    if (result === 'UNKNOWN_MEMBER_ID' || result === 'FENCED_INSTANCE_ID') this.forget(client);
    else if (result !== 'NONE') this.join(client);
  }

  private forget(client: Client): void {
    Object.assign(client, { memberId: '', generation: -1, isLeader: false });
    this.joins.delete(client);
    this.syncs.delete(client);
    this.synced.delete(client);
  }

  /** A leader shares the partitions out among the members it was told. */
  private sync(client: Client): void {
    const assignments: Record<string, string> = {};
    const members = this.members.get(client) ?? [];
    if (client.isLeader) {
      members.forEach((member, i) => {
        assignments[member] = PARTITIONS.filter((_, partition) => partition % members.length === i).join();
      });
    }
    this.syncs.set(client, { request: client.sync(assignments), generation: client.generation });
  }

  /** Takes in the answers that have come. */
  private collect(): void {
    for (const [client, request] of this.joins) {
      if (!this.driver.isAnswered(request)) continue;
      this.joins.delete(client);
      const answer = this.driver.reply('JoinGroup', request);
      const result = client.joined(request);
      if (result === 'UNKNOWN_MEMBER_ID' || result === 'FENCED_INSTANCE_ID') this.forget(client);
      if (result !== 'NONE') continue;
      // A leader that is to skip the assignment sends none.
      this.members.set(client, answer.skipAssignment ? [] : answer.members.map(({ memberId }) => memberId));
      expect(answer.generationId).toBeGreaterThanOrEqual(this.newestGeneration);
    }
    for (const [client, { request, generation }] of this.syncs) {
      if (!this.driver.isAnswered(request)) continue;
      this.syncs.delete(client);
      const result = errorName(this.driver.reply('SyncGroup', request).errorCode);
      if (result === 'NONE') this.own(client, request, generation);
      else if (result === 'UNKNOWN_MEMBER_ID' || result === 'FENCED_INSTANCE_ID') this.forget(client);
      else client.generation = -1;
    }
    for (const commit of this.commits.splice(0)) {
      if (!this.driver.isAnswered(commit.request)) this.commits.push(commit);
      else if (commitResult(this.driver, commit.request) === 'NONE')
        this.acknowledged = Math.max(this.acknowledged, commit.value);
    }
  }

  private own(client: Client, request: number, generation: number): void {
    expect(generation).toBeGreaterThanOrEqual(this.newestGeneration);
    this.newestGeneration = generation;
    this.synced.add(client);
    const owners = this.owners.get(generation) ?? new Map<string, string>();
    this.owners.set(generation, owners);
    const owner = client.settings.groupInstanceId ?? client.memberId;
    for (const partition of syncResult(this.driver, request).split(',').filter(Boolean)) {
      expect([generation, partition, owners.get(partition) ?? owner]).toEqual([generation, partition, owner]);
      owners.set(partition, owner);
    }
  }

  private checkOffsets(): void {
    const seen = this.driver.offset('g', 't', 0) as number;
    const least = Math.max(this.acknowledged, this.lastSeen);
    if (seen < least) throw new Error(`the offset went back to ${seen} from ${least}`);
    this.lastSeen = seen;
  }

  /** With writes that succeed and time that passes, everything is answered, and the group settles. */
  heal(): void {
    const { driver } = this;
    driver.hold = false;
    driver.confirmAll();
    driver.pass(400_000);
    this.collect();
    expect(this.joins.size + this.syncs.size + this.commits.length).toBe(0);
    expect(driver.state('g')).toMatch(/Empty|Dead/);

    const client = new Client(driver, 'last');
    const join = client.join();
    driver.pass(1_000);
    expect(client.joined(join)).toBe('NONE');
    expect(syncResult(driver, client.sync({ [client.memberId]: 'all' }))).toBe('all');
    client.commit({ t: ++this.lastValue });
    this.checkOffsets();
  }

  checkReplay(): void {
    const replayed = new Driver(options, [...this.driver.log, ...this.driver.log]);
    expect(replayed.offset('g', 't', 0)).toBe(this.driver.offset('g', 't', 0));
    expect(persistent(replayed)).toEqual(persistent(this.driver));
  }

  /** A timer for each member and for each that is expected, and three more at most. */
  checkTimers(): void {
    const shard = shardOf(this.driver);
    let expected = 3;
    for (const group of shard.groups.values()) expected += group.members.size + group.pendingJoins.size;
    if (shard.deadlines.size > expected) throw new Error(`${shard.deadlines.size} timers for ${expected} purposes`);
  }
}

function shardOf(driver: Driver): Shard {
  return (driver.coordinator as unknown as { shard: Shard }).shard;
}

/** The group as its record would have it, but for the time, which in memory is that of the assignment's arrival. */
function persistent(driver: Driver): object {
  const group: Group = shardOf(driver).groups.get('g')!;
  return { ...groupMetadataValue.read(groupRecord(group).value!).message, currentStateTimestamp: 0 };
}

describe('a group among members and coordinators that come and go', () => {
  it('no partition has two owners in a generation, generations and offsets never go back, and replay gives the state', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 150, size: 'max' }), (actions) => {
        const world = new World();
        for (const step of actions) {
          world.run(step);
          world.checkTimers();
        }
        world.heal();
        world.checkReplay();
      }),
      { numRuns: 150 },
    );
  });
});
