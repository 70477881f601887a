import type { BatchHeader } from '@ottla/protocol';
import { type PartitionRecord, Replica, type ReplicaEffect, type ReplicaId, type ReplicaInput } from '../../src/index';
import { Host, TOPIC_ID } from './host';
import { MemoryLog } from './memory-log';
import { Queues } from './queues';
import { Streams } from './streams';

export interface ClusterOptions {
  brokers: number[];
  minIsr: number;
  replicaLagTimeMaxMs?: number;
  windowBytes?: number;
  maxPendingProduces?: number;
}

export interface Observer {
  /** A line for people. */
  trace?(line: string): void;
  effect?(broker: Broker, effect: ReplicaEffect): void;
  wrote?(broker: Broker, headers: readonly BatchHeader[]): void;
}

export class Broker {
  run = '';
  replica: Replica | null = null;
  paused = false;
  /** How many of the next writes fail. */
  failingWrites = 0;
  /** Writes of an older generation were dropped with the failed one before them. */
  generation = 0;
  readonly host: Host;

  constructor(
    cluster: Cluster,
    readonly id: number,
    public log: MemoryLog,
  ) {
    this.host = new Host(cluster, this);
  }

  get identity(): ReplicaId {
    return { broker: this.id, logId: this.log.logId };
  }
}

/**
 * The replicas of one partition, their logs in memory, the streams between them and the store, on virtual time. Whatever
 * takes time outside a machine waits in a queue until somebody delivers it:
 *
 *     disk N, result N      writes and cuts of broker N, and what the machine is told about them
 *     N->M                  what broker N has sent to broker M
 *     push N                pushes that broker N is to read and send
 *     store, reply N        transactions, and their answers to broker N
 *     image N               versions of the record on their way to broker N
 */
export class Cluster {
  now = 1_000_000;
  readonly queues = new Queues();
  readonly streams = new Streams(this);
  readonly brokers = new Map<number, Broker>();
  /** The batches of each produce request. */
  readonly produced = new Map<number, BatchHeader[]>();
  /** The partition's record in the store. */
  record: PartitionRecord;
  modRevision = 1;
  showsPushes = false;
  private runs = 0;
  private requestId = 0;
  private deletionId = 0;

  constructor(
    readonly options: ClusterOptions,
    readonly observer: Observer,
  ) {
    for (const id of options.brokers) this.brokers.set(id, new Broker(this, id, new MemoryLog(`log-${id}`)));
    this.record = {
      version: 1,
      replicas: options.brokers,
      adding: [],
      removing: [],
      leader: null,
      leaderEpoch: 0,
      isr: [...this.brokers.values()].map((broker) => broker.identity),
      elr: [],
      minIsr: options.minIsr,
      lastKnownLeader: null,
      unclean: false,
    };
    for (const id of options.brokers) this.start(id);
  }

  broker(id: number): Broker {
    const broker = this.brokers.get(id);
    if (broker === undefined) throw new Error(`there is no broker ${id}`);
    return broker;
  }

  alive(): Broker[] {
    return [...this.brokers.values()].filter((broker) => broker.replica !== null);
  }

  start(id: number): void {
    const broker = this.broker(id);
    const { log } = broker;
    const { replicaLagTimeMaxMs = 30_000, windowBytes = 1000, maxPendingProduces = 100 } = this.options;
    this.runs += 1;
    broker.run = `run-${this.runs}`;
    broker.paused = false;
    broker.host.failuresUntold = 0;
    broker.replica = new Replica(
      {
        self: { broker: id, run: broker.run, logId: log.logId },
        ...{ topic: 'letters', topicId: TOPIC_ID, partition: 0 },
        ...{ replicaLagTimeMaxMs, windowBytes, maxPendingProduces, producerExpirationMs: 86_400_000 },
      },
      {
        ...{ logStart: log.logStart, firstBatchOffset: log.firstBatchOffset },
        ...{ logEnd: log.logEnd, highWatermark: log.checkpoint },
        ...{ epochs: log.epochs(), producers: log.producers() },
      },
    );
    this.sendImage(broker);
  }

  /** Kill -9: what was written stays; of what is under way to the disk, `writes` more. */
  stop(id: number, writes = 0): void {
    const broker = this.broker(id);
    const disk = `disk ${id}`;
    broker.replica = null;
    this.queues.keepFirst(disk, writes);
    while (this.queues.length(disk) > 0) this.queues.deliver(disk);
    for (const name of [`result ${id}`, `push ${id}`, `reply ${id}`, `image ${id}`]) this.queues.keepFirst(name, 0);
    this.streams.closeAllOf(broker);
  }

  /** A new, empty disk: another log id. */
  replaceLog(id: number): void {
    const broker = this.broker(id);
    broker.log = new MemoryLog(`${broker.log.logId}'`);
  }

  produce(id: number, headers: BatchHeader[], acks: 0 | 1 | -1, timeoutMs = 30_000): number {
    this.requestId += 1;
    this.produced.set(this.requestId, headers);
    const deadline = this.now + timeoutMs;
    this.feed(this.broker(id), { type: 'produce', requestId: this.requestId, acks, headers, deadline });
    return this.requestId;
  }

  deleteRecords(id: number, offset: number, timeoutMs = 30_000): void {
    this.deletionId += 1;
    const deadline = this.now + timeoutMs;
    this.feed(this.broker(id), { type: 'delete-records', requestId: this.deletionId, offset, deadline });
  }

  /** The controller's or a leader's write, as the store commits it. */
  write(record: PartitionRecord): void {
    this.record = record;
    this.modRevision += 1;
    for (const broker of this.alive()) this.sendImage(broker);
  }

  isRegistered(id: number, run: string, logId: string): boolean {
    return this.alive().some((broker) => broker.id === id && broker.run === run && broker.log.logId === logId);
  }

  /**
   * A broker gives up waiting for the store's answer to its proposal: nobody can say whether it was, or will be, applied.
   * `queue` is where the proposal comes next, on its way to the store or back; there it stays.
   */
  timeOutProposal(queue: string): void {
    const [, proposal, id] = /proposal (\d+) of (\d+)/.exec(this.queues.labels(queue)[0] ?? '') ?? [];
    if (proposal === undefined) return;
    const unknown = { proposal: Number(proposal), record: null, modRevision: 0 };
    this.feed(this.broker(Number(id)), { type: 'isr-refused', ...unknown });
  }

  /** What is next on its way to the store never arrives; whoever sent it gives up waiting. */
  loseTransaction(): void {
    this.timeOutProposal('store');
    this.queues.dropFirst('store');
  }

  /** Delivers everything that isn't held, oldest first. */
  settle(): void {
    for (let steps = 0; ; steps++) {
      const [next] = this.ready();
      if (next === undefined) return;
      if (steps > 10_000) throw new Error(`no end of events, the next is in '${next}'`);
      this.queues.deliver(next);
    }
  }

  /** Queues that can deliver now: a paused broker looks at nothing, while its disk and the store work on. */
  ready(): string[] {
    return this.queues.ready().filter((name) => !this.brokers.get(receiverOf(name))?.paused);
  }

  nextDeadline(): { broker: Broker; at: number } | null {
    let next: { broker: Broker; at: number } | null = null;
    for (const broker of this.alive()) {
      const at = broker.paused ? null : broker.replica!.nextDeadline();
      if (at !== null && (next === null || at < next.at)) next = { broker, at };
    }
    return next;
  }

  /** Lets time pass, with the ticks that become due. */
  wait(ms: number): void {
    const until = this.now + ms;
    for (let ticks = 0; ; ticks++) {
      this.settle();
      const next = this.nextDeadline();
      if (next === null || next.at > until) break;
      if (ticks > 10_000) throw new Error(`broker ${next.broker.id} is due again and again at ${next.at}`);
      this.now = Math.max(this.now, next.at);
      this.feed(next.broker, { type: 'tick' });
    }
    this.now = until;
  }

  feed(broker: Broker, input: ReplicaInput): void {
    if (broker.replica === null) return;
    for (const effect of broker.replica.step(this.now, input)) {
      this.observer.effect?.(broker, effect);
      broker.host.carryOut(effect);
    }
    this.streams.connect();
  }

  /** As `feed`, for what was meant for one run of the broker. */
  feedRun(broker: Broker, run: string, input: ReplicaInput): void {
    if (broker.run === run) this.feed(broker, input);
  }

  trace(line: string): void {
    this.observer.trace?.(line);
  }

  private sendImage(broker: Broker): void {
    const { record, modRevision } = this;
    const { run } = broker;
    this.queues.push(`image ${broker.id}`, `revision ${modRevision}`, () => {
      this.feedRun(broker, run, { type: 'record-changed', record, modRevision });
    });
  }
}

/** The broker that looks at a queue's events. */
function receiverOf(queue: string): number {
  const [kind, to] = queue.split(/->| /);
  return kind === 'disk' || to === undefined ? -1 : Number(to);
}
