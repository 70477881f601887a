/** What a group committed for a partition. */
export interface CommittedOffset {
  readonly offset: number;
  /** Leader epoch of the record before `offset`, -1 when the client didn't tell. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  /** When the client itself asked for the offset to expire (OffsetCommit v2 to v4); null: by the broker's retention. */
  readonly expireTimestamp: number | null;
}

/** One record's worth of change; a null value is a tombstone. */
export interface OffsetChange {
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset | null;
}

interface Slot {
  value: CommittedOffset | null;
  /** The write that set `value`; 0 when it was loaded. */
  writeId: number;
  /** Writes of this slot whose outcome isn't known yet. */
  inFlight: number;
  /** Newest change that was reported failed and may be in the log all the same. */
  doubt: { readonly writeId: number; readonly value: CommittedOffset | null } | null;
}

type Partitions = Map<number, Slot>;
type Topics = Map<string, Partitions>;

/**
 * Committed offsets by group, topic and partition. What reads see is below the high watermark. A change is `stage`d when
 * its write starts, and then `apply`ed, or `drop`ped. A change dropped in doubt counts as soon as a later write is
 * confirmed, because then everything before that one in the log is confirmed too.
 */
export class OffsetStore {
  private readonly groups = new Map<string, Topics>();
  private readonly doubtful = new Set<{ group: string; topic: string; partition: number; slot: Slot }>();

  get(group: string, topic: string, partition: number): CommittedOffset | null {
    return this.groups.get(group)?.get(topic)?.get(partition)?.value ?? null;
  }

  /** Whether a change of this offset waits for its write. */
  isPending(group: string, topic: string, partition: number): boolean {
    return (this.groups.get(group)?.get(topic)?.get(partition)?.inFlight ?? 0) > 0;
  }

  /** Whether anything is known of the group: a committed offset, or one whose write isn't settled. */
  has(group: string): boolean {
    return this.groups.has(group);
  }

  groupIds(): Iterable<string> {
    return this.groups.keys();
  }

  /** The group's committed offsets, by topic. */
  *committed(group: string): Iterable<{ topic: string; partitions: { partition: number; value: CommittedOffset }[] }> {
    for (const [topic, slots] of this.groups.get(group) ?? []) {
      const partitions: { partition: number; value: CommittedOffset }[] = [];
      for (const [partition, slot] of slots) if (slot.value) partitions.push({ partition, value: slot.value });
      if (partitions.length > 0) yield { topic, partitions };
    }
  }

  /** Tombstones for all that the log may hold of the group; of one topic if one is named. */
  tombstones(group: string, topic?: string): OffsetChange[] {
    const changes: OffsetChange[] = [];
    for (const [name, slots] of this.groups.get(group) ?? []) {
      if (topic !== undefined && topic !== name) continue;
      for (const partition of slots.keys()) changes.push({ topic: name, partition, value: null });
    }
    return changes;
  }

  /** Whether the slot has neither a write in flight nor one in doubt. */
  isSettled(group: string, topic: string, partition: number): boolean {
    const slot = this.groups.get(group)?.get(topic)?.get(partition);
    return !slot || (slot.inFlight === 0 && slot.doubt === null);
  }

  count(): number {
    let offsets = 0;
    for (const topics of this.groups.values()) {
      for (const slots of topics.values()) for (const slot of slots.values()) if (slot.value) offsets++;
    }
    return offsets;
  }

  /** A record read from the log. */
  load(group: string, change: OffsetChange): void {
    const slot = this.slot(group, change.topic, change.partition);
    slot.value = change.value;
    this.tidy(group, change.topic, change.partition, slot);
  }

  stage(group: string, changes: readonly OffsetChange[]): void {
    for (const { topic, partition } of changes) this.slot(group, topic, partition).inFlight++;
  }

  /** The staged changes are below the high watermark. */
  apply(group: string, changes: readonly OffsetChange[], writeId: number): void {
    for (const { topic, partition, value } of changes) {
      const slot = this.slot(group, topic, partition);
      slot.inFlight--;
      this.set(slot, writeId, value);
      this.tidy(group, topic, partition, slot);
    }
  }

  /** The write of the staged changes failed; `inDoubt` when its records may be in the log. */
  drop(group: string, changes: readonly OffsetChange[], writeId: number, inDoubt: boolean): void {
    for (const { topic, partition, value } of changes) {
      const slot = this.slot(group, topic, partition);
      slot.inFlight--;
      if (inDoubt) {
        if (slot.doubt === null) this.doubtful.add({ group, topic, partition, slot });
        if (slot.doubt === null || slot.doubt.writeId <= writeId) slot.doubt = { writeId, value };
      }
      this.tidy(group, topic, partition, slot);
    }
  }

  /** A write is confirmed: so is every doubtful one before it. Answers the groups that this touched. */
  confirmDoubtsBefore(writeId: number): string[] {
    const touched = new Set<string>();
    for (const entry of this.doubtful) {
      const { group, topic, partition, slot } = entry;
      const doubt = slot.doubt!;
      if (doubt.writeId >= writeId) continue;
      this.doubtful.delete(entry);
      slot.doubt = null;
      this.set(slot, doubt.writeId, doubt.value);
      this.tidy(group, topic, partition, slot);
      touched.add(group);
    }
    return [...touched];
  }

  clear(): void {
    this.groups.clear();
    this.doubtful.clear();
  }

  private set(slot: Slot, writeId: number, value: CommittedOffset | null): void {
    if (writeId < slot.writeId) return;
    slot.value = value;
    slot.writeId = writeId;
  }

  private slot(group: string, topic: string, partition: number): Slot {
    const topics = getOrAdd(this.groups, group, () => new Map());
    const slots = getOrAdd(topics, topic, () => new Map());
    return getOrAdd(slots, partition, () => ({ value: null, writeId: 0, inFlight: 0, doubt: null }));
  }

  private tidy(group: string, topic: string, partition: number, slot: Slot): void {
    if (slot.value !== null || slot.inFlight > 0 || slot.doubt !== null) return;
    const topics = this.groups.get(group)!;
    const slots = topics.get(topic)!;
    slots.delete(partition);
    if (slots.size === 0) topics.delete(topic);
    if (topics.size === 0) this.groups.delete(group);
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
