import type { BatchHeader } from '@ottla/protocol';
import {
  LeaderEpochs,
  type LeaderMessage,
  type PartitionRecord,
  ProducerState,
  Replica,
  type ReplicaEffect,
  type ReplicaInput,
  type ReplicaOptions,
} from '../../src/index';
import { type BatchShape, batch } from './batches';
import { TOPIC_ID } from './host';

export type Effect<T extends ReplicaEffect['type']> = Extract<ReplicaEffect, { type: T }>;

const IDS = { topicId: TOPIC_ID, partition: 0 };

export const OPTIONS: ReplicaOptions = {
  self: { broker: 1, run: 'run-1', logId: 'log-1' },
  topic: 'letters',
  ...IDS,
  replicaLagTimeMaxMs: 30_000,
  windowBytes: 1000,
  maxPendingProduces: 10,
  producerExpirationMs: 86_400_000,
};

/** Broker 1's machine alone: tests play the host, and the other brokers. */
export class Solo {
  now = 1_000_000;
  readonly replica: Replica;
  private revision = 1;
  private requestId = 0;

  constructor(
    options: Partial<ReplicaOptions> = {},
    log: { epoch: number; end: number; highWatermark: number }[] = [],
  ) {
    const last = log.at(-1);
    this.replica = new Replica(
      { ...OPTIONS, ...options },
      {
        logStart: 0,
        firstBatchOffset: 0,
        logEnd: last?.end ?? 0,
        highWatermark: last?.highWatermark ?? 0,
        epochs: LeaderEpochs.from(log.map(({ epoch }, index) => ({ epoch, startOffset: log[index - 1]?.end ?? 0 }))),
        producers: new ProducerState(),
      },
    );
  }

  step(input: ReplicaInput): ReplicaEffect[] {
    return this.replica.step(this.now, input);
  }

  /** Brokers 1, 2 and 3 hold the partition, broker 1 leads epoch 1. */
  record(shape: Partial<PartitionRecord> = {}): ReplicaEffect[] {
    this.revision += 1;
    return this.step({ type: 'record-changed', record: recordOf(shape), modRevision: this.revision });
  }

  get modRevision(): number {
    return this.revision;
  }

  produce(acks: 0 | 1 | -1, shapes: BatchShape[] = [{}], timeoutMs = 10_000): ReplicaEffect[] {
    this.requestId += 1;
    const deadline = this.now + timeoutMs;
    return this.step({ type: 'produce', requestId: this.requestId, acks, headers: shapes.map(batch), deadline });
  }

  appended(endOffset: number, epoch = 1): ReplicaEffect[] {
    return this.step({ type: 'appended', epoch, endOffset });
  }

  subscribe(
    broker: number,
    shape: {
      run?: string;
      logId?: string;
      epoch?: number;
      subscription?: number;
      end?: number;
      start?: number;
      lastEpoch?: number;
      window?: number;
    } = {},
  ): ReplicaEffect[] {
    const { run = `run-${broker}`, logId = `log-${broker}`, epoch = 1, subscription = 1 } = shape;
    const { end = 0, start = 0, lastEpoch = end === 0 ? -1 : epoch, window = 1000 } = shape;
    const place = { ...IDS, leaderEpoch: epoch, subscription };
    const tail = { logId, endOffset: end, lastEpoch, logStart: start, windowBytes: window };
    const message = { type: 'subscribe' as const, ...place, ...tail };
    return this.step({ type: 'subscribe', broker, run, message });
  }

  report(
    broker: number,
    endOffset: number,
    shape: { run?: string; epoch?: number; subscription?: number; bytes?: number; start?: number } = {},
  ): ReplicaEffect[] {
    const { run = `run-${broker}`, epoch = 1, subscription = 1, bytes = 0, start = 0 } = shape;
    const place = { ...IDS, leaderEpoch: epoch, subscription };
    const message = { type: 'report' as const, ...place, endOffset, logStart: start, grantedBytes: bytes };
    return this.step({ type: 'report', broker, run, message });
  }

  /** Carries out a push as the host does. */
  pushed(push: Effect<'push'>, endOffset = push.upTo, bytes = 100): ReplicaEffect[] {
    const { broker, run, subscription, epoch } = push;
    return this.step({ type: 'pushed', broker, run, subscription, epoch, endOffset, bytes });
  }

  fromLeader(message: LeaderMessage, headers: BatchHeader[] = []): ReplicaEffect[] {
    return this.step({ type: 'leader-message', message, headers });
  }

  tick(afterMs = 0): ReplicaEffect[] {
    this.now += afterMs;
    return this.step({ type: 'tick' });
  }
}

export function recordOf(shape: Partial<PartitionRecord> = {}): PartitionRecord {
  return {
    version: 1,
    ...{ replicas: [1, 2, 3], adding: [], removing: [] },
    ...{ leader: { broker: 1, run: 'run-1' }, leaderEpoch: 1 },
    ...{ isr: members(1, 2, 3), elr: [], minIsr: 1, lastKnownLeader: null, unclean: false },
    ...shape,
  };
}

export function members(...brokers: number[]): PartitionRecord['isr'] {
  return brokers.map((broker) => ({ broker, logId: `log-${broker}` }));
}

/** A push as a leader sends it. */
export function push(shape: {
  epoch?: number;
  subscription?: number;
  highWatermark?: number;
  logStart?: number;
  at?: number;
}): LeaderMessage {
  const { epoch = 1, subscription = 1, highWatermark = 0, logStart = 0, at = 0 } = shape;
  const place = { ...IDS, leaderEpoch: epoch, subscription };
  return { type: 'push', ...place, highWatermark, logStart, baseOffset: at, records: new Uint8Array(0) };
}

export function answer(
  message:
    | { type: 'diverged'; epoch: number; endOffset: number }
    | { type: 'start-anew'; firstBatchOffset: number }
    | { type: 'refused'; error: 'FENCED_LEADER_EPOCH' | 'UNKNOWN_LEADER_EPOCH'; currentEpoch: number },
  place: { leaderEpoch?: number; subscription?: number } = {},
): LeaderMessage {
  return { ...IDS, leaderEpoch: 1, subscription: 1, ...place, ...message };
}

/** The effects of one type. */
export function only<T extends ReplicaEffect['type']>(effects: ReplicaEffect[], type: T): Effect<T>[] {
  return effects.filter((effect): effect is Effect<T> => effect.type === type);
}

/** Effects as short lines. */
export function brief(effects: ReplicaEffect[]): string[] {
  return effects.map(briefEffect);
}

function briefEffect(effect: ReplicaEffect): string {
  switch (effect.type) {
    case 'append':
      return `append ${effect.headers.map((header) => `${header.baseOffset}/${header.partitionLeaderEpoch}`).join(' ')}`;
    case 'reply':
      return `reply ${effect.requestId}: ${effect.error ?? effect.baseOffset}`;
    case 'push':
      return `push to ${effect.broker}: ${effect.fromOffset} to ${effect.upTo}, ${effect.maxBytes} bytes`;
    case 'to-follower':
      return `to ${effect.broker}: ${briefMessage(effect.message)}`;
    case 'to-leader':
      return `to ${effect.broker}: ${effect.message.type}${'endOffset' in effect.message ? ` ${effect.message.endOffset}` : ''}`;
    case 'high-watermark':
      return `high watermark ${effect.value}`;
    case 'role-changed':
      return `${effect.role} in ${effect.leaderEpoch}`;
    case 'propose-isr':
      return `propose ${effect.record.isr.map(({ broker }) => broker).join(' ')}`;
    case 'truncate':
    case 'restart-at':
    case 'log-start':
      return `${effect.type} ${effect.offset}`;
    case 'records-deleted':
      return `deleted ${effect.requestId}: ${effect.error ?? effect.lowWatermark}`;
    case 'resign':
      return 'resign';
  }
}

function briefMessage(message: LeaderMessage): string {
  switch (message.type) {
    case 'push':
      return `at ${message.baseOffset}, high watermark ${message.highWatermark}`;
    case 'refused':
      return `${message.error}, epoch ${message.currentEpoch}`;
    case 'diverged':
      return `diverged, epoch ${message.epoch} ended at ${message.endOffset}`;
    case 'start-anew':
      return `start anew at ${message.firstBatchOffset}`;
  }
}
