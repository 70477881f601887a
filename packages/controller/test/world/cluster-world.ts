import { type ClusterImage, ImageTracker, MemoryStore, partitionRecordCodec, type TopicRecord } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { ManualClock, SeededRandom, silentLogger } from '@ottla/runtime';
import type { ControllerEvent } from '../../src/core/controller-event';
import { DEFAULT_LEADER_BALANCE, type LeaderBalanceSettings } from '../../src/core/settings';
import { ClusterMember } from '../../src/host/cluster-member';
import { ConfigAdmin } from '../../src/host/config-admin';
import { PartitionAdmin } from '../../src/host/partition-admin';
import { TopicAdmin } from '../../src/host/topic-admin';
import { KEYS } from '../controller-fixtures';
import { CLUSTER, DEFAULTS, registration } from '../fixtures';
import { FaultyStore } from './faulty-store';
import { PeerWorld } from './peer-world';
import { ProcessClock } from './process-clock';

/** One broker process. */
export class Process {
  readonly clock: ProcessClock;
  readonly store: FaultyStore;
  readonly tracker: ImageTracker;
  readonly member: ClusterMember;
  readonly topics: TopicAdmin;
  readonly configs: ConfigAdmin;
  readonly partitions: PartitionAdmin;
  readonly events: ControllerEvent[] = [];
  superseded: OttlaError | null = null;

  constructor(
    readonly world: ClusterWorld,
    readonly broker: number,
    readonly run: string,
    readonly port: number,
  ) {
    const clock = new ProcessClock(world.clock);
    this.clock = clock;
    const random = new SeededRandom(broker * 1_000 + world.processes.length);
    const shared = { clock, random, logger: silentLogger, defaults: DEFAULTS };
    this.store = new FaultyStore(world.store, clock);
    this.tracker = new ImageTracker({ store: this.store, clusterId: CLUSTER, clock, logger: silentLogger });
    this.member = new ClusterMember({
      ...shared,
      clusterId: CLUSTER,
      leaderBalance: world.leaderBalance,
      self: { broker, run },
      view: this.tracker,
      network: world.network.networkOf(broker),
      onSuperseded: (error) => {
        this.superseded = error;
      },
      onEvent: (event) => this.events.push(event),
    });
    this.topics = new TopicAdmin({ ...shared, view: this.tracker, validateConfigs: () => {} });
    this.configs = new ConfigAdmin({ ...shared, view: this.tracker });
    this.partitions = new PartitionAdmin({ ...shared, view: this.tracker });
  }

  listen(): void {
    this.world.network.listen(this.port, this.broker, (hello, stream) => this.member.onSession(hello, stream));
  }

  /** As `kill -STOP`: the process does nothing, its connections and listeners stay. */
  pause(): void {
    this.clock.pause();
    this.store.holdWatch();
    this.world.network.pause(this.broker);
  }

  /** As `kill -CONT`: timers that are due run first, then what arrived is read. */
  resume(): void {
    this.clock.resume();
    this.world.network.resume(this.broker);
    this.store.releaseWatch();
  }

  /** As `kill -9`: nothing of it runs any more, and what it holds in the store stays. */
  kill(): void {
    this.store.cut();
    this.world.network.kill(this.broker, this.port);
    void this.member.close();
    this.tracker.close();
  }
}

/** A cluster on manual time: brokers' memberships, their network and their store. */
export class ClusterWorld {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore({ clock: this.clock });
  readonly network = new PeerWorld();
  readonly processes: Process[] = [];
  /** Of processes launched from now on. */
  leaderBalance: LeaderBalanceSettings = DEFAULT_LEADER_BALANCE;

  /** A process with what it needs, not yet in the cluster. */
  async launch(broker: number, run = `run-${broker}`, port = 9292 + broker): Promise<Process> {
    const process = new Process(this, broker, run, port);
    this.processes.push(process);
    await process.tracker.start();
    return process;
  }

  async join(broker: number, run = `run-${broker}`, port = 9292 + broker): Promise<Process> {
    const process = await this.launch(broker, run, port);
    await this.until(process.member.prepare());
    process.listen();
    const { logIds, rack, kafka, grpc, startedAt } = registration(broker);
    const peer = { host: 'localhost', port };
    await this.until(process.member.start({ logIds, rack, kafka, grpc, peer, startedAt }));
    return process;
  }

  /** Brokers 1 to n. Broker 1 is the controller, and every other one has a session with it. */
  async cluster(brokers: number): Promise<Process[]> {
    const joined: Process[] = [];
    for (let broker = 1; broker <= brokers; broker++) {
      joined.push(await this.join(broker));
      await this.run(50);
    }
    return joined;
  }

  async createTopic(
    name: string,
    fields: { partitions?: number; replicas?: number[]; minIsr?: number } = {},
  ): Promise<TopicRecord> {
    const { partitions = 1, replicas = [1, 2, 3], minIsr = 1 } = fields;
    const assignments = new Map(Array.from({ length: partitions }, (_, partition) => [partition, replicas]));
    const configs = { 'min.insync.replicas': `${minIsr}` };
    const request = { name, partitions: -1, replicationFactor: -1, assignments, configs };
    return (await this.until(this.processes[0]!.topics.createTopic(request, { timeoutMs: 5_000 }))).topic;
  }

  /** Lets time pass in small steps, with everything that follows from each done before the next. */
  async run(ms: number, stepMs = 5): Promise<void> {
    await this.settle();
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed));
      await this.settle();
    }
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    await this.settle();
    for (let passed = 0; !settled && passed < limitMs; passed += 5) await this.run(5);
    if (!settled) throw new Error(`not settled within ${limitMs} ms`);
    return watched;
  }

  /** Lets time pass until the condition holds; answers how long that took. */
  async untilTrue(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<number> {
    const from = this.clock.now();
    while (!(await condition())) {
      if (this.clock.now() - from > limitMs) throw new Error(`not within ${limitMs} ms`);
      await this.run(5);
    }
    return this.clock.now() - from;
  }

  /** The event loop has nothing left to do at this instant. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Broker ids of those who believe to be the controller. */
  controllers(): number[] {
    return this.processes.filter((process) => process.member.isController).map((process) => process.broker);
  }

  async partition(topic: TopicRecord, partition = 0): Promise<PartitionRecord> {
    const key = KEYS.partition(topic.topicId, partition);
    const { kv } = await this.store.get(key);
    return partitionRecordCodec.decode(kv!.value, key);
  }

  /** As its leader would: the broker has caught up, with its log. */
  async joinIsr(topic: TopicRecord, partition: number, broker: number): Promise<void> {
    const key = KEYS.partition(topic.topicId, partition);
    const { kv } = await this.store.get(key);
    const record = partitionRecordCodec.decode(kv!.value, key);
    const isr = [...record.isr, { broker, logId: `log-${broker}` }];
    const { succeeded } = await this.store.txn({
      compare: [{ key, target: 'mod', equals: kv!.modRevision }],
      success: [{ type: 'put', key, value: partitionRecordCodec.encode({ ...record, isr }) }],
    });
    if (!succeeded) throw new Error(`broker ${broker} could not join the ISR of ${topic.name}-${partition}`);
  }

  async registered(): Promise<number[]> {
    const { entries } = await this.store.snapshot(KEYS.brokers());
    return entries.map((kv) => Number(kv.key.slice(KEYS.brokers().length))).sort((a, b) => a - b);
  }

  image(): ClusterImage {
    return this.processes.at(-1)!.tracker.image;
  }
}
