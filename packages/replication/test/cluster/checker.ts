import { type BatchHeader, lastOffset } from '@ottla/protocol';
import type { Replica, ReplicaEffect } from '../../src/index';
import type { Broker, Cluster, Observer } from './cluster';

/** Numbers of batches. */
interface Looked {
  committed: number;
  held: number;
  sequenced: number;
  nextSequence: Map<number, number>;
}

/** Null when it doesn't say. */
function latestOf(replica: Replica): number | null {
  try {
    return replica.latestReadable();
  } catch {
    return null;
  }
}

/** Watches a cluster, and throws as soon as something is true that must never be. */
export class Checker implements Observer {
  /** Every batch ever written, by leader epoch and offset. */
  private readonly written = new Map<string, number>();
  private readonly leaders = new Map<number, string>();
  /** What some high watermark has passed: the CRC of the batch at each base offset. */
  private readonly committed = new Map<number, BatchHeader>();
  private committedEnd = 0;
  /** Per leader epoch the highest offset that its leader gave as the latest. */
  private readonly latest = new Map<number, number>();
  private readonly counts = new Map<string, number>();
  /** How far each log has been looked at; a log that is cut has another list of batches, and is looked at anew. */
  private readonly looked = new WeakMap<readonly BatchHeader[], Looked>();
  readonly lines: string[] = [];

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  seen(): ReadonlyMap<string, number> {
    return this.counts;
  }

  trace(line: string): void {
    this.lines.push(line);
  }

  effect(broker: Broker, effect: ReplicaEffect): void {
    this.count(effect.type === 'to-follower' ? effect.message.type : effect.type);
    if (effect.type === 'role-changed' && effect.role === 'leader') this.checkLeader(broker, effect.leaderEpoch);
    if (effect.type === 'high-watermark') this.commit(broker, effect.value);
    if (effect.type === 'reply' && effect.error !== null) this.count(effect.error);
  }

  /** No two different batches exist with the same leader epoch and offset. */
  wrote(_broker: Broker, headers: readonly BatchHeader[]): void {
    for (const { partitionLeaderEpoch, baseOffset, crc } of headers) {
      const place = `epoch ${partitionLeaderEpoch}, offset ${baseOffset}`;
      const known = this.written.get(place);
      this.require(known === undefined || known === crc, `two batches have ${place}: #${known} and #${crc}`);
      this.written.set(place, crc);
    }
  }

  /** An acknowledged batch (acks=all) is committed, where its acknowledgement says. */
  acknowledged(baseOffset: number, crc: number): void {
    this.require(this.committed.get(baseOffset)?.crc === crc, `#${crc} was acknowledged at ${baseOffset} uncommitted`);
  }

  check(cluster: Cluster): void {
    const { record } = cluster;
    const { leader, isr, elr } = record;
    this.require(
      leader === null || isr.some(({ broker }) => broker === leader.broker),
      `the ISR lacks the leader, broker ${leader?.broker}`,
    );
    for (const broker of cluster.brokers.values()) {
      this.checkBelowHighWatermark(broker);
      this.checkSequences(broker);
      const isCandidate = [...isr, ...elr].some(
        ({ broker: id, logId }) => id === broker.id && logId === broker.log.logId,
      );
      if (isCandidate) this.checkHoldsCommitted(broker);
      this.checkLatest(broker);
    }
  }

  /** A leader epoch has one broker, in one run. */
  private checkLeader({ id, run }: Broker, epoch: number): void {
    const name = `broker ${id} in ${run}`;
    const known = this.leaders.get(epoch) ?? name;
    this.require(known === name, `epoch ${epoch} is led by ${known} and by ${name}`);
    this.leaders.set(epoch, name);
  }

  /** What one replica believes committed, every replica has to agree to for ever. */
  private commit(broker: Broker, highWatermark: number): void {
    const { batches } = broker.log;
    const looked = this.lookedAt(batches);
    for (; looked.committed < batches.length; looked.committed++) {
      const header = batches[looked.committed]!;
      if (lastOffset(header) >= highWatermark) break;
      const known = this.committed.get(header.baseOffset);
      this.require(
        known === undefined || known.crc === header.crc,
        `offset ${header.baseOffset} was committed as #${known?.crc}, and is #${header.crc} on broker ${broker.id}`,
      );
      this.committed.set(header.baseOffset, header);
    }
    this.committedEnd = Math.max(this.committedEnd, highWatermark);
  }

  private checkBelowHighWatermark(broker: Broker): void {
    if (broker.replica !== null) this.commit(broker, broker.replica.highWatermark);
  }

  /** Whoever may be elected holds everything that is committed. */
  private checkHoldsCommitted({ id, log }: Broker): void {
    this.require(log.logEnd >= this.committedEnd, `broker ${id} ends at ${log.logEnd}, below ${this.committedEnd}`);
    const looked = this.lookedAt(log.batches);
    for (; looked.held < log.batches.length; looked.held++) {
      const { baseOffset, crc } = log.batches[looked.held]!;
      const known = this.committed.get(baseOffset);
      this.require(known !== undefined || baseOffset >= this.committedEnd, `broker ${id} has a batch at ${baseOffset}`);
      if (known === undefined) break;
      this.require(known.crc === crc, `broker ${id} holds #${crc} at ${baseOffset}, committed is #${known.crc}`);
    }
  }

  /** A producer's batches are there once, in sequence. */
  private checkSequences({ id, log }: Broker): void {
    const looked = this.lookedAt(log.batches);
    const { nextSequence: next } = looked;
    for (; looked.sequenced < log.batches.length; looked.sequenced++) {
      const { producerId, baseSequence, recordCount } = log.batches[looked.sequenced]!;
      if (producerId < 0) continue;
      const expected = next.get(producerId) ?? (log.logStart > 0 ? baseSequence : 0);
      this.require(
        baseSequence === expected,
        `broker ${id}: producer ${producerId} goes on with ${baseSequence}, not ${expected}`,
      );
      next.set(producerId, baseSequence + recordCount);
    }
  }

  /** The latest offset never goes back from one leader to the next. */
  private checkLatest({ id, replica }: Broker): void {
    if (replica === null || replica.role !== 'leader') return;
    const answer = latestOf(replica);
    if (answer === null) return;
    for (const [epoch, latest] of this.latest) {
      this.require(
        epoch > replica.leaderEpoch || latest <= answer,
        `broker ${id} in epoch ${replica.leaderEpoch} gives ${answer} as the latest, ${latest} was given in ${epoch}`,
      );
    }
    this.latest.set(replica.leaderEpoch, answer);
  }

  private lookedAt(batches: readonly BatchHeader[]): Looked {
    let looked = this.looked.get(batches);
    if (looked === undefined) {
      looked = { committed: 0, held: 0, sequenced: 0, nextSequence: new Map() };
      this.looked.set(batches, looked);
    }
    return looked;
  }

  private require(condition: boolean, message: string): void {
    if (!condition) throw new Error(`${message}\n${this.lines.slice(-60).join('\n')}`);
  }
}
