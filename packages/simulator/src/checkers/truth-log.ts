import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type Codec,
  generationCodec,
  type KeyValue,
  keysFor,
  parseKey,
  partitionRecordCodec,
  type TopicRecord,
  topicRecordCodec,
  type WatchEvent,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import type { Truth, Version } from './truth';

/** Keeps every version of the store's records. */
export class TruthLog implements Truth {
  readonly partitions = new Map<string, Version<PartitionRecord>[]>();
  readonly topics = new Map<string, Version<TopicRecord>[]>();
  readonly registrations = new Map<number, Version<BrokerRegistration>[]>();
  readonly heard = new Map<string, Version<number>[]>();
  readonly losses = new Map<number, readonly number[]>();
  /** Leader epochs that began, in the whole cluster. */
  epochs = 0;
  /** Grows with each change. */
  changes = 0;
  /** The generation that the last restore brought back; null without one. */
  restoredGeneration: number | null = null;
  private readonly names = new Map<string, string>();
  private present = new Set<string>();

  /** A revision of the store, as it was committed. */
  onRevision(at: number, events: readonly WatchEvent[]): void {
    this.changes++;
    for (const event of events) {
      if (event.type === 'put') this.put(at, event.kv, false);
      else this.remove(at, event.key, false);
    }
  }

  /** The store was replaced by an older snapshot, which holds these. */
  onRestored(at: number, entries: readonly KeyValue[]): void {
    this.changes++;
    this.restoredGeneration = generationIn(entries);
    const kept = new Set(entries.map(({ key }) => key));
    for (const key of [...this.present]) if (!kept.has(key)) this.remove(at, key, true);
    for (const kv of entries) this.put(at, kv, true);
  }

  /** A broker's image shows this leader epoch of a partition. */
  hear(at: number, broker: number, partition: string, epoch: number): void {
    const list = listOf(this.heard, `${broker} ${partition}`);
    if (list.at(-1)?.value !== epoch) list.push({ at, value: epoch, restored: false });
  }

  /** The name that a topic id had last. */
  topicNamed(topicId: string): string | null {
    return this.names.get(topicId) ?? null;
  }

  private put(at: number, kv: KeyValue, restored: boolean): void {
    this.present.add(kv.key);
    const key = parseKey(keysFor(clusterOf(kv.key)), kv.key);
    switch (key?.kind) {
      case 'partition': {
        const value = decoded(partitionRecordCodec, kv);
        const list = listOf(this.partitions, `${key.topicId}/${key.partition}`);
        if (value !== null && value.leaderEpoch !== list.at(-1)?.value?.leaderEpoch) this.epochs++;
        list.push({ at, value, restored });
        return;
      }
      case 'topic':
        this.putTopic(at, key.name, decoded(topicRecordCodec, kv), restored);
        return;
      case 'broker':
        listOf(this.registrations, key.broker).push({ at, value: decoded(brokerRegistrationCodec, kv), restored });
    }
  }

  private putTopic(at: number, name: string, value: TopicRecord, restored: boolean): void {
    this.names.set(value.topicId, name);
    listOf(this.topics, name).push({ at, value, restored });
  }

  private remove(at: number, name: string, restored: boolean): void {
    this.present.delete(name);
    const gone = { at, value: null, restored };
    const key = parseKey(keysFor(clusterOf(name)), name);
    if (key?.kind === 'partition') listOf(this.partitions, `${key.topicId}/${key.partition}`).push(gone);
    else if (key?.kind === 'topic') listOf(this.topics, key.name).push(gone);
    else if (key?.kind === 'broker') listOf(this.registrations, key.broker).push(gone);
  }
}

function generationIn(entries: readonly KeyValue[]): number {
  const kv = entries.find(({ key }) => parseKey(keysFor(clusterOf(key)), key)?.kind === 'generation');
  return kv === undefined ? 0 : decoded(generationCodec, kv).generation;
}

function decoded<T>(codec: Codec<T>, kv: KeyValue): T {
  return codec.decode(kv.value, kv.key);
}

function clusterOf(key: string): string {
  return key.split('/')[2] ?? '';
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const list: V[] = [];
  map.set(key, list);
  return list;
}
