import type { BatchHeader } from '@ottla/protocol';
import { batch } from './batches';
import { Checker } from './checker';
import { Cluster } from './cluster';
import { Controller } from './controller';
import { IdempotentClient } from './idempotent-client';

const LAG_MS = 1000;

interface Action {
  /** Of 128. */
  weight: number;
  name: string;
  run: (pick: number) => void;
}

/** A cluster to which, from a list of numbers, anything happens that may happen. */
export class Chaos {
  readonly checker = new Checker();
  readonly cluster: Cluster;
  private readonly controller: Controller;
  private nextCrc = 100;
  private readonly client = new IdempotentClient(7);
  private readonly awaited = new Map<number, BatchHeader>();

  constructor(minIsr: number) {
    const { checker } = this;
    this.cluster = new Cluster(
      { brokers: [1, 2, 3], minIsr, replicaLagTimeMaxMs: LAG_MS, windowBytes: 250, maxPendingProduces: 20 },
      {
        trace: (line) => checker.trace(line),
        wrote: (broker, headers) => checker.wrote(broker, headers),
        effect: (broker, effect) => {
          checker.effect(broker, effect);
          if (effect.type === 'reply') this.onReply(effect.requestId, effect.error, effect.baseOffset);
        },
      },
    );
    this.controller = new Controller(this.cluster);
    this.controller.elect(0, false);
    this.cluster.settle();
  }

  step(number: number): void {
    const action = this.actions[number % 128]!;
    const pick = Math.floor(number / 128);
    this.checker.trace(`# ${action.name} ${pick}`);
    this.checker.count(`# ${action.name}`);
    try {
      action.run(pick);
    } catch (error) {
      throw this.failure((error as Error).message.split('\n')[0]!);
    }
    this.checker.check(this.cluster);
  }

  /** Everything works again; then everything must come to rest, with everybody in sync and nothing different. */
  heal(): void {
    const { cluster, checker } = this;
    checker.trace('# heal');
    cluster.streams.joinAll();
    for (const broker of cluster.brokers.values()) {
      broker.failingWrites = 0;
      broker.paused = false;
      if (broker.replica === null) cluster.start(broker.id);
    }
    for (let round = 0; round < 20; round++) {
      cluster.wait(LAG_MS);
      if (this.controller.needsElection()) this.controller.elect(round, true);
      checker.check(cluster);
    }
    const leader = cluster.alive().find(({ replica }) => replica!.role === 'leader');
    if (leader === undefined) throw this.failure('nobody leads after healing');
    const requestId = this.produceAt(leader.id, batch({ crc: this.nextCrc++ }), -1);
    cluster.settle();
    checker.check(cluster);
    if (this.awaited.has(requestId)) throw this.failure('a produce after healing is not acknowledged');
    this.checkConverged();
  }

  private checkConverged(): void {
    const { record, brokers } = this.cluster;
    const logs = new Set<string>();
    for (const { id, log, replica } of brokers.values()) {
      const inSync = record.isr.some(({ broker, logId }) => broker === id && logId === log.logId);
      if (!inSync) throw this.failure(`broker ${id} is not in sync after healing`);
      if (replica!.highWatermark !== log.logEnd) throw this.failure(`broker ${id} has not committed all after healing`);
      logs.add(log.batches.map(({ crc, baseOffset }) => `${crc}@${baseOffset}`).join(' '));
    }
    const starts = new Set([...brokers.values()].map(({ log }) => log.logStart));
    if (logs.size !== 1 && starts.size === 1) throw this.failure('the logs differ after healing');
  }

  private readonly actions = weighted([
    { weight: 63, name: 'deliver', run: (pick) => this.deliver(pick) },
    { weight: 15, name: 'produce', run: (pick) => this.produce(pick) },
    { weight: 10, name: 'produce idempotent', run: (pick) => this.produceIdempotent(pick) },
    { weight: 6, name: 'time', run: (pick) => this.passTime(pick) },
    { weight: 3, name: 'elect', run: (pick) => this.controller.elect(pick, pick % 2 === 0) },
    { weight: 2, name: 'fence', run: () => this.controller.fence() },
    { weight: 3, name: 'stop', run: (pick) => this.stop(pick) },
    { weight: 5, name: 'start', run: (pick) => this.start(pick) },
    { weight: 3, name: 'reset', run: (pick) => this.cluster.streams.reset(...pair(pick), Math.floor(pick / 3) % 4) },
    { weight: 2, name: 'cut', run: (pick) => this.cluster.streams.cut(...pair(pick)) },
    { weight: 4, name: 'join', run: (pick) => this.cluster.streams.join(...pair(pick)) },
    { weight: 1, name: 'pause', run: (pick) => this.pause(pick, true) },
    { weight: 2, name: 'wake', run: (pick) => this.pause(pick, false) },
    { weight: 1, name: 'fail write', run: (pick) => this.failWrite(pick) },
    { weight: 2, name: 'time out proposal', run: (pick) => this.timeOutProposal(pick) },
    { weight: 1, name: 'reorder proposals', run: () => this.cluster.queues.rotate('store') },
    { weight: 1, name: 'lose proposal', run: () => this.cluster.loseTransaction() },
    { weight: 1, name: 'replace log', run: (pick) => this.replaceLog(pick) },
    { weight: 1, name: 'delete before', run: (pick) => this.deleteBefore(pick) },
    { weight: 1, name: 'minimum', run: (pick) => this.controller.changeMinimum(1 + (pick % 2)) },
    { weight: 1, name: 'settle', run: () => this.cluster.settle() },
  ]);

  private deliver(pick: number): void {
    let rest = pick;
    for (let events = 1 + (pick % 12); events > 0; events--) {
      const ready = this.cluster.ready();
      if (ready.length === 0) return;
      this.cluster.queues.deliver(ready[rest % ready.length]!);
      rest = Math.floor(rest / 3) + 7 * events;
    }
  }

  private produce(pick: number): void {
    const header = batch({ crc: this.nextCrc++, records: 1 + (pick % 3), bytes: 40 + (pick % 7) * 50 });
    this.produceAt(this.someLeader(pick), header, ([-1, -1, 1, 0] as const)[Math.floor(pick / 8) % 4]!);
  }

  private produceIdempotent(pick: number): void {
    const broker = this.cluster.broker(this.someLeader(pick));
    if (pick % 7 === 0) this.client.sendAllAgain();
    const header = this.client.next(broker.run, { crc: this.nextCrc++, records: 1 + (pick % 2) });
    if (header !== null) this.produceAt(broker.id, header, -1);
  }

  private produceAt(broker: number, header: BatchHeader, acks: 0 | 1 | -1): number {
    // Before the request: the answer may be part of its first step.
    const requestId = this.cluster.produced.size + 1;
    if (acks === -1) this.awaited.set(requestId, header);
    this.cluster.produce(broker, [header], acks, 3 * LAG_MS);
    return requestId;
  }

  private onReply(requestId: number, error: string | null, baseOffset: number): void {
    const header = this.awaited.get(requestId);
    this.awaited.delete(requestId);
    if (header === undefined) return;
    if (header.producerId >= 0) this.client.onReply(header, error === null);
    if (error !== null) return;
    this.checker.count(`acknowledged${header.producerId < 0 ? '' : ' idempotent'}`);
    this.checker.acknowledged(baseOffset, header.crc);
  }

  /** Whoever takes itself for the leader, else anyone. */
  private someLeader(pick: number): number {
    const awake = this.cluster.alive().filter(({ paused }) => !paused);
    const leaders = awake.filter(({ replica }) => replica!.role === 'leader');
    return leaders[pick % Math.max(1, leaders.length)]?.id ?? awake[0]?.id ?? 1;
  }

  private passTime(pick: number): void {
    const next = this.cluster.nextDeadline();
    if (next === null) return;
    this.cluster.now = Math.max(this.cluster.now, next.at) + (pick % 5 === 0 ? LAG_MS : 0);
    this.cluster.feed(next.broker, { type: 'tick' });
  }

  private stop(pick: number): void {
    const { id, replica } = this.cluster.broker(1 + (pick % 3));
    if (replica !== null) this.cluster.stop(id, Math.floor(pick / 3) % 3);
  }

  private start(pick: number): void {
    const { id, replica } = this.cluster.broker(1 + (pick % 3));
    if (replica === null) this.cluster.start(id);
  }

  private pause(pick: number, paused: boolean): void {
    this.cluster.broker(1 + (pick % 3)).paused = paused;
  }

  private failWrite(pick: number): void {
    this.cluster.broker(1 + (pick % 3)).failingWrites = 1;
  }

  private timeOutProposal(pick: number): void {
    const queues = ['store', 'reply 1', 'reply 2', 'reply 3'].filter((name) => this.cluster.queues.length(name) > 0);
    const queue = queues[pick % Math.max(1, queues.length)];
    if (queue !== undefined) this.cluster.timeOutProposal(queue);
  }

  /** A disk is replaced while another replica still holds everything that is committed. */
  private replaceLog(pick: number): void {
    const { cluster } = this;
    const broker = cluster.broker(1 + (pick % 3));
    const { isr, elr } = cluster.record;
    const others = [...isr, ...elr].filter(
      ({ broker: id, logId }) => id !== broker.id && cluster.broker(id).log.logId === logId,
    );
    if (others.length === 0 || cluster.record.minIsr < 2) return;
    if (broker.replica !== null) cluster.stop(broker.id);
    cluster.replaceLog(broker.id);
    cluster.start(broker.id);
  }

  /** Retention on a leader deletes some of what is committed, and nothing so young that a client may send it again. */
  private deleteBefore(pick: number): void {
    const { id, log, replica, host } = this.cluster.broker(this.someLeader(pick));
    if (replica === null || replica.role !== 'leader' || replica.epochStart === null) return;
    const young = log.batches.find(({ crc }) => this.client.maySendAgain(crc))?.baseOffset ?? log.logEnd;
    const end = Math.min(replica.highWatermark, young);
    if (pick % 2 === 0 && end > log.logStart) {
      this.cluster.deleteRecords(id, log.logStart + 1 + (Math.floor(pick / 2) % (end - log.logStart)));
      return;
    }
    const deletable = log.batches.filter(({ baseOffset }) => baseOffset <= end && baseOffset > log.logStart);
    const first = deletable[pick % Math.max(1, deletable.length)];
    if (first !== undefined) host.deleteBefore(first.baseOffset);
  }

  private failure(message: string): Error {
    return new Error(`${message}\n${this.checker.lines.slice(-60).join('\n')}`);
  }
}

function weighted(actions: Action[]): Action[] {
  return actions.flatMap((action) => Array<Action>(action.weight).fill(action));
}

function pair(pick: number): [number, number] {
  return (
    [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as [number, number][]
  )[pick % 3]!;
}
