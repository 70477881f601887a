import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import type { Truth, Version } from './truth';

/**
 * A moment from which on what a partition held before may be missing, without anything being wrong:
 * - `unclean`: a leader epoch that began uncleanly;
 * - `lost`: every replica that was in sync or eligible has lost data, and those were at least `min.insync.replicas`;
 * - `restored`: the store came back from an older snapshot, and with it an older idea of who is in sync, or a partition
 *   that had been deleted since.
 */
export interface Exemption {
  readonly at: number;
  /** What was seen in leader epochs below this one may be missing. */
  readonly epoch: number;
  readonly why: 'unclean' | 'lost' | 'restored';
}

/** How long a deposed leader is believed to go on without having heard of it, in ms, when it is elected again meanwhile. */
const UNHEARD_MS = 5_000;

/** What may be missing of which partition. */
export class Exemptions {
  private readonly byPartition = new Map<string, readonly Exemption[]>();

  constructor(private readonly truth: Truth) {}

  /** In the order of time. */
  of(partition: string): readonly Exemption[] {
    const known = this.byPartition.get(partition);
    if (known !== undefined) return known;
    const found = exemptionsOf(this.truth.partitions.get(partition) ?? [], this.truth);
    this.byPartition.set(partition, found);
    return found;
  }

  /** Whether what was read in one leader epoch may be missing in a later one. */
  betweenEpochs(partition: string, earlier: number, later: number): boolean {
    return this.of(partition).some(({ epoch }) => earlier < epoch && epoch <= later);
  }

  /**
   * Whether a leader epoch may have been given out twice, before `later` and before that: the store was restored to before it
   * began, and everybody who was in sync in it has lost data since, so that nobody was there to notice.
   */
  mayRepeat(partition: string, leaderEpoch: number, earlier: number, later: number): boolean {
    const versions = this.truth.partitions.get(partition) ?? [];
    return versions.some(({ at, value, restored }) => {
      if (!restored || at < earlier || at > later || (value !== null && value.leaderEpoch >= leaderEpoch)) return false;
      const knew = versions.filter((version) => version.at < at && (version.value?.leaderEpoch ?? -1) >= leaderEpoch);
      const members = knew.flatMap((version) =>
        version.value!.isr.map(({ broker }) => ({ broker, since: version.at })),
      );
      if (members.length === 0) return false;
      return members.every(({ broker, since }) => this.truth.losses.get(broker)?.some((lost) => lost > since));
    });
  }

  /** Whether what was read in a leader epoch may be missing at the end. */
  ofEpoch(partition: string, epoch: number): boolean {
    return this.betweenEpochs(partition, epoch, Number.POSITIVE_INFINITY);
  }

  /**
   * Whether what a broker acknowledged to a request sent at `sentAt` may be missing at the end. The leader epoch isn't told
   * in the answer: a leader that was deposed by an unclean election and hasn't heard of it still acknowledges.
   */
  ofAcknowledgement(partition: string, broker: number, sentAt: number): boolean {
    return this.of(partition).some(({ at, epoch }) => {
      if (sentAt < at) return true;
      const led = this.lastLed(partition, broker, sentAt);
      return led === null || led.epoch < epoch || sentAt < led.at + UNHEARD_MS;
    });
  }

  private lastLed(partition: string, broker: number, at: number): { epoch: number; at: number } | null {
    const terms: { epoch: number; at: number }[] = [];
    for (const version of this.truth.partitions.get(partition) ?? []) {
      if (version.at > at) break;
      const { value } = version;
      if (value?.leader?.broker !== broker || value.leaderEpoch === terms.at(-1)?.epoch) continue;
      terms.push({ epoch: value.leaderEpoch, at: version.at });
    }
    return terms.at(-1) ?? null;
  }
}

function exemptionsOf(versions: readonly Version<PartitionRecord>[], truth: Truth): Exemption[] {
  const found: Exemption[] = [];
  let before: PartitionRecord | null = null;
  let isDeleted = false;
  for (const { at, value, restored } of versions) {
    if (value === null) {
      if (restored) found.push({ at, epoch: Number.POSITIVE_INFINITY, why: 'restored' });
    } else if (restored && (isDeleted || !sameMembers(before, value))) {
      found.push({ at, epoch: Math.max(value.leaderEpoch, before?.leaderEpoch ?? 0) + 1, why: 'restored' });
    } else if (value.unclean && value.leaderEpoch !== before?.leaderEpoch) {
      found.push({ at, epoch: value.leaderEpoch, why: 'unclean' });
    }
    before = value ?? before;
    if (!restored || value !== null) isDeleted = value === null;
  }
  return [...found, ...lossesOf(versions, truth)].sort((a, b) => a.at - b.at);
}

function sameMembers(a: PartitionRecord | null, b: PartitionRecord): boolean {
  if (a === null) return true;
  const names = (record: PartitionRecord): string =>
    [...record.isr, ...record.elr]
      .map(({ broker, logId }) => `${broker} ${logId}`)
      .sort()
      .join();
  return a.leaderEpoch === b.leaderEpoch && names(a) === names(b);
}

interface Happening {
  readonly at: number;
  readonly lost: number | null;
  readonly record: PartitionRecord | null;
}

/** Moments at which every replica in the ISR or the ELR had lost data and had not been taken into the ISR again since. */
function lossesOf(versions: readonly Version<PartitionRecord>[], truth: Truth): Exemption[] {
  const brokers = new Set(versions.flatMap(({ value }) => value?.replicas ?? []));
  const happenings: Happening[] = versions.map(({ at, value }) => ({ at, lost: null, record: value }));
  for (const broker of brokers) {
    for (const at of truth.losses.get(broker) ?? []) happenings.push({ at, lost: broker, record: null });
  }
  happenings.sort((a, b) => a.at - b.at);
  const found: Exemption[] = [];
  const lossy = new LossyReplicas();
  for (const { at, lost, record } of happenings) {
    if (lost !== null) lossy.lose(lost);
    else if (record !== null) lossy.adopt(record);
    const { current } = lossy;
    if (current !== null && lossy.everythingMayBeLost())
      found.push({ at, epoch: current.leaderEpoch + 1, why: 'lost' });
  }
  return found;
}

/** Which replicas of a partition have lost data since they last came into the ISR. */
class LossyReplicas {
  current: PartitionRecord | null = null;
  private readonly lost = new Set<number>();
  private lowestMinimum = Number.POSITIVE_INFINITY;
  private minimumChanged = false;

  lose(broker: number): void {
    this.lost.add(broker);
  }

  adopt(record: PartitionRecord): void {
    const before = this.current;
    for (const member of record.isr) {
      if (before !== null && !includes(before.isr, member)) this.lost.delete(member.broker);
    }
    if (before !== null && before.minIsr !== record.minIsr) this.minimumChanged = true;
    this.lowestMinimum = Math.min(this.lowestMinimum, record.minIsr);
    this.current = record;
  }

  everythingMayBeLost(): boolean {
    const { isr, elr } = this.current!;
    const holders = [...isr, ...elr];
    if (holders.length === 0) return false;
    if (!holders.every(({ broker }) => this.lost.has(broker))) return false;
    // A changed minimum empties the ELR, and with it the knowledge of who else holds everything.
    return this.minimumChanged || this.lost.size >= this.lowestMinimum;
  }
}

function includes(members: readonly ReplicaId[], { broker, logId }: ReplicaId): boolean {
  return members.some((member) => member.broker === broker && member.logId === logId);
}
