import type { BatchHeader } from '@ottla/protocol';
import type {
  ProposeIsr,
  Push,
  PushMessage,
  ReplicaEffect,
  ReplicaInput,
  Reply,
  ToFollower,
  ToLeader,
} from '../../src/index';
import type { Broker, Cluster } from './cluster';
import { describeIsr, namesOf } from './names';

export const TOPIC_ID = '00000000-0000-0000-0000-0000000000aa';
const NO_RECORDS = new Uint8Array(0);

/** Carries out the effects of one broker's machine, each as an event that somebody has to deliver. */
export class Host {
  failuresUntold = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly broker: Broker,
  ) {}

  carryOut(effect: ReplicaEffect): void {
    switch (effect.type) {
      case 'append':
        return this.append(effect.epoch, effect.headers);
      case 'truncate':
        return this.truncate(effect.offset);
      case 'restart-at':
        return this.restartAt(effect.offset);
      case 'log-start':
        return this.deleteBefore(effect.offset);
      case 'reply':
        return this.traceReply(effect);
      case 'to-leader':
        return this.toLeader(effect);
      case 'to-follower':
        return this.toFollower(effect);
      case 'push':
        return this.later('push', `push to ${effect.broker}`, () => this.push(effect));
      case 'high-watermark':
        this.broker.log.checkpoint = effect.value;
        return this.trace(`high watermark ${effect.value}`);
      case 'records-deleted': {
        const { error, lowWatermark } = effect;
        return this.trace(error === null ? `deleted, low watermark ${lowWatermark}` : `refuses to delete: ${error}`);
      }
      case 'role-changed':
        return this.traceRole(effect.role, effect.leaderEpoch);
      case 'propose-isr':
        return this.propose(effect);
      case 'resign':
        return this.resign(effect.reason);
    }
  }

  deleteBefore(offset: number): void {
    this.trace(`log start ${offset}`);
    this.onDisk(`delete before ${offset}`, () => {
      this.broker.log.deleteBefore(offset);
      const { logStart, firstBatchOffset } = this.broker.log;
      return { type: 'log-start-changed', logStart, firstBatchOffset };
    });
  }

  private append(epoch: number, headers: readonly BatchHeader[]): void {
    const { broker } = this;
    const { generation } = broker;
    // Ordered by a machine that hasn't heard of the failure yet, at an offset that the log no longer ends at.
    const isDoomed = this.failuresUntold > 0;
    this.onDisk(`append ${namesOf(headers)}`, () => {
      if (isDoomed || generation !== broker.generation) return null;
      return broker.failingWrites > 0 ? this.failWrite(epoch, headers) : this.write(epoch, headers);
    });
  }

  private write(epoch: number, headers: readonly BatchHeader[]): ReplicaInput {
    const { log } = this.broker;
    log.append(headers);
    this.trace(`writes ${namesOf(headers)} at ${headers[0]!.baseOffset}`);
    this.cluster.observer.wrote?.(this.broker, headers);
    return { type: 'appended', epoch, endOffset: log.logEnd };
  }

  /** What is queued behind a failed write fails with it. */
  private failWrite(epoch: number, headers: readonly BatchHeader[]): ReplicaInput {
    const { log } = this.broker;
    this.broker.failingWrites -= 1;
    this.broker.generation += 1;
    this.failuresUntold += 1;
    this.trace(`fails to write ${namesOf(headers)}`);
    const [producers, epochs] = [log.producers(), log.epochs()];
    return { type: 'append-failed', epoch, endOffset: log.logEnd, reason: 'disk full', producers, epochs };
  }

  private truncate(offset: number): void {
    const { log } = this.broker;
    this.trace(`truncates to ${offset}`);
    this.onDisk(`truncate to ${offset}`, () => {
      log.truncate(offset);
      return { type: 'truncated', endOffset: log.logEnd, producers: log.producers(), epochs: log.epochs() };
    });
  }

  private restartAt(offset: number): void {
    this.trace(`starts anew at ${offset}`);
    this.onDisk(`restart at ${offset}`, () => {
      this.broker.log.restartAt(offset);
      return { type: 'restarted-at', offset };
    });
  }

  private onDisk(label: string, operation: () => ReplicaInput | null): void {
    const { broker } = this;
    const { run } = broker;
    this.later('disk', label, () => {
      const result = operation();
      if (result === null || broker.run !== run || broker.replica === null) return;
      this.later('result', label, () => {
        if (result.type === 'append-failed') this.failuresUntold -= 1;
        this.cluster.feedRun(broker, run, result);
      });
    });
  }

  private toLeader({ broker: to, message }: ToLeader): void {
    const { id, run } = this.broker;
    if (message.type === 'subscribe') {
      const { endOffset, lastEpoch, leaderEpoch } = message;
      const tail = lastEpoch < 0 ? 'empty' : `last epoch ${lastEpoch}`;
      this.cluster.trace(`${id} -> ${to}: subscribe in epoch ${leaderEpoch}, end ${endOffset}, ${tail}`);
      this.cluster.streams.sendUp(id, to, message.type, { type: 'subscribe', broker: id, run, message });
    } else if (message.type === 'report') {
      this.cluster.streams.sendUp(id, to, message.type, { type: 'report', broker: id, run, message });
    } else this.cluster.streams.sendUp(id, to, message.type, { type: 'unsubscribe', broker: id, run });
  }

  private toFollower({ broker: to, message }: ToFollower): void {
    const { id } = this.broker;
    const route = `${id} -> ${to}`;
    if (message.type === 'diverged') {
      this.cluster.trace(`${route}: diverged, epoch ${message.epoch} ended at ${message.endOffset}`);
    } else if (message.type === 'start-anew') this.cluster.trace(`${route}: start anew at ${message.firstBatchOffset}`);
    else if (message.type === 'refused') this.cluster.trace(`${route}: refused, ${message.error}`);
    this.cluster.streams.sendDown(id, to, message.type, { type: 'leader-message', message, headers: [] });
  }

  private push(effect: Push): void {
    const { broker: to, run, subscription, epoch, fromOffset, highWatermark, logStart } = effect;
    const { id, log } = this.broker;
    const headers = log.read(fromOffset, effect.upTo, effect.maxBytes, effect.atLeastOne);
    const bytes = headers.reduce((sum, { batchLength }) => sum + batchLength, 0);
    const message: PushMessage = {
      ...{ type: 'push', topicId: TOPIC_ID, partition: 0, leaderEpoch: epoch, subscription },
      ...{ highWatermark, logStart, baseOffset: fromOffset, records: NO_RECORDS },
    };
    if (this.cluster.showsPushes) this.cluster.trace(`${id} -> ${to}: pushes ${namesOf(headers) || 'nothing'}`);
    if (headers.length > 0) this.cluster.streams.sendDown(id, to, 'push', { type: 'leader-message', message, headers });
    const last = headers.at(-1);
    const endOffset = last === undefined ? fromOffset : last.baseOffset + last.lastOffsetDelta + 1;
    this.cluster.feed(this.broker, { type: 'pushed', broker: to, run, subscription, epoch, endOffset, bytes });
  }

  private propose({ proposal, expectedModRevision, record, adds }: ProposeIsr): void {
    const { cluster, broker } = this;
    const { id, run } = broker;
    this.trace(`proposes ${describeIsr(record)}`);
    cluster.queues.push('store', `proposal ${proposal} of ${id}`, () => {
      const mayWrite =
        expectedModRevision === cluster.modRevision &&
        cluster.isRegistered(id, run, broker.log.logId) &&
        adds.every((add) => cluster.isRegistered(add.broker, add.run, add.logId));
      if (mayWrite) cluster.write(record);
      cluster.trace(mayWrite ? `store: ${describeIsr(record)}` : `store: refuses the proposal of ${id}`);
      if (broker.run !== run || broker.replica === null) return;
      const answer = { proposal, record: cluster.record, modRevision: cluster.modRevision };
      const input: ReplicaInput = { type: mayWrite ? 'isr-written' : 'isr-refused', ...answer };
      this.later('reply', `answer to proposal ${proposal} of ${id}`, () => cluster.feedRun(broker, run, input));
    });
  }

  private resign(reason: string): void {
    const { cluster, broker } = this;
    const { run } = broker;
    this.trace(`resigns, ${reason}`);
    cluster.queues.push('store', `resignation of ${broker.id}`, () => {
      if (cluster.record.leader?.run === run) cluster.write({ ...cluster.record, leader: null });
    });
  }

  private traceReply({ requestId, error, baseOffset }: Reply): void {
    const name = namesOf(this.cluster.produced.get(requestId) ?? []);
    this.trace(error === null ? `acknowledges ${name} at ${baseOffset}` : `refuses ${name}: ${error}`);
  }

  private traceRole(role: string, epoch: number): void {
    if (role === 'leader') this.trace(`leads epoch ${epoch} from ${this.broker.replica!.epochStart}`);
    else if (role === 'follower') this.trace(`follows in epoch ${epoch}`);
    else this.trace(`${role} in epoch ${epoch}`);
  }

  private later(queue: 'disk' | 'result' | 'push' | 'reply', label: string, run: () => void): void {
    this.cluster.queues.push(`${queue} ${this.broker.id}`, label, run);
  }

  private trace(line: string): void {
    this.cluster.trace(`${this.broker.id}: ${line}`);
  }
}
