import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type Codec,
  type ControllerClaim,
  controllerClaimCodec,
  type KeyValue,
  keysFor,
  parseKey,
  partitionRecordCodec,
  type TopicRecord,
  topicRecordCodec,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import type { Truth, Version } from './truth';

type Known = { readonly modRevision: number; readonly kv: KeyValue };

/** Keeps every version of the store's records that it is shown. */
export class TruthLog implements Truth {
  readonly partitions = new Map<string, Version<PartitionRecord>[]>();
  readonly topics = new Map<string, Version<TopicRecord>[]>();
  readonly registrations = new Map<number, Version<BrokerRegistration>[]>();
  readonly controllers: Version<ControllerClaim>[] = [];
  readonly losses = new Map<number, readonly number[]>();
  /** Leader epochs that began, in the whole cluster. */
  epochs = 0;
  revision = 0;
  private known = new Map<string, Known>();

  /** The whole store as it is. A revision that went back tells a restore. */
  observe(at: number, revision: number, entries: readonly KeyValue[]): void {
    const restored = revision < this.revision || entries.some((kv) => this.differs(kv));
    this.revision = revision;
    const known = new Map<string, Known>();
    for (const kv of entries) {
      known.set(kv.key, { modRevision: kv.modRevision, kv });
      if (restored || this.known.get(kv.key)?.modRevision !== kv.modRevision) this.put(at, kv, restored);
    }
    for (const key of this.known.keys()) if (!known.has(key)) this.remove(at, key, restored);
    this.known = known;
  }

  /** What the store holds now under a key. */
  entry(key: string): KeyValue | null {
    return this.known.get(key)?.kv ?? null;
  }

  private differs(kv: KeyValue): boolean {
    const before = this.known.get(kv.key);
    return before !== undefined && kv.modRevision < before.modRevision;
  }

  private put(at: number, kv: KeyValue, restored: boolean): void {
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
        listOf(this.topics, key.name).push({ at, value: decoded(topicRecordCodec, kv), restored });
        return;
      case 'broker':
        listOf(this.registrations, key.broker).push({ at, value: decoded(brokerRegistrationCodec, kv), restored });
        return;
      case 'controller':
        this.controllers.push({ at, value: decoded(controllerClaimCodec, kv), restored });
    }
  }

  private remove(at: number, name: string, restored: boolean): void {
    const gone = { at, value: null, restored };
    const key = parseKey(keysFor(clusterOf(name)), name);
    if (key?.kind === 'partition') listOf(this.partitions, `${key.topicId}/${key.partition}`).push(gone);
    else if (key?.kind === 'topic') listOf(this.topics, key.name).push(gone);
    else if (key?.kind === 'broker') listOf(this.registrations, key.broker).push(gone);
    else if (key?.kind === 'controller') this.controllers.push(gone);
  }
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
