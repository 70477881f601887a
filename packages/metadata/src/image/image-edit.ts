import { toOttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { type ClusterKeys, type ParsedKey, parseKey } from '../keys';
import {
  brokerRegistrationCodec,
  configRecordCodec,
  controllerClaimCodec,
  deletionRecordCodec,
  generationCodec,
  partitionRecordCodec,
  producerIdsCodec,
  topicRecordCodec,
} from '../records/codecs';
import type { Codec } from '../records/record-codec';
import type { TopicRecord } from '../records/records';
import type { KeyValue, WatchEvent } from '../store';
import type { ClusterImage, ImageDelta, Versioned } from './cluster-image';
import { type MapEdit, PersistentMap } from './persistent-map';

/** Images don't hold what only a start of a broker reads. */
type ImageKey = Exclude<ParsedKey, { readonly kind: 'last-run' }>;

type SingleField = 'generation' | 'controller' | 'producerIds';
type Partitions = PersistentMap<number, Versioned<PartitionRecord>>;

export function emptyImage(clusterId: string): ClusterImage {
  return {
    clusterId,
    revision: 0,
    generation: null,
    controller: null,
    producerIds: null,
    brokers: PersistentMap.empty(),
    topics: PersistentMap.empty(),
    topicNames: PersistentMap.empty(),
    partitions: PersistentMap.empty<string, Partitions>(),
    deletions: PersistentMap.empty(),
    configs: PersistentMap.empty(),
    unreadable: PersistentMap.empty(),
  };
}

/** The next image and what differs, after events of the store; `revision` is the one they lead to. */
export function applyEvents(
  keys: ClusterKeys,
  image: ClusterImage,
  revision: number,
  events: readonly WatchEvent[],
  historyChanged = false,
): { image: ClusterImage; delta: ImageDelta } {
  const edit = new ImageEdit(keys, image);
  for (const event of events) edit.apply(event);
  return edit.done(revision, historyChanged);
}

class ImageEdit {
  readonly #keys: ClusterKeys;
  readonly #from: ClusterImage;
  readonly #brokers;
  readonly #topics;
  readonly #topicNames;
  readonly #partitions;
  readonly #deletions;
  readonly #configs;
  readonly #unreadable;
  readonly #partitionsOf = new Map<string, MapEdit<number, Versioned<PartitionRecord>>>();
  readonly #single: { -readonly [F in SingleField]: ClusterImage[F] };
  readonly #changed = {
    kinds: new Set<string>(),
    brokers: new Set<number>(),
    topics: new Set<string>(),
    partitions: new Map<string, Set<number>>(),
    deletions: new Set<string>(),
    configs: new Set<string>(),
  };

  constructor(keys: ClusterKeys, image: ClusterImage) {
    this.#keys = keys;
    this.#from = image;
    this.#brokers = editable(image.brokers).edit();
    this.#topics = editable(image.topics).edit();
    this.#topicNames = editable(image.topicNames).edit();
    this.#partitions = editable(image.partitions as ReadonlyMap<string, Partitions>).edit();
    this.#deletions = editable(image.deletions).edit();
    this.#configs = editable(image.configs).edit();
    this.#unreadable = editable(image.unreadable).edit();
    this.#single = { generation: image.generation, controller: image.controller, producerIds: image.producerIds };
  }

  apply(event: WatchEvent): void {
    const parsed = parseKey(this.#keys, event.key);
    if (parsed === null || parsed.kind === 'last-run') return;
    const kv = event.type === 'put' ? event.kv : null;
    this.#unreadable.delete(event.key);
    try {
      this.#put(parsed, kv);
    } catch (error) {
      // Absent, rather than as it was: nobody may act on what the store no longer says.
      this.#put(parsed, null);
      this.#unreadable.set(event.key, toOttlaError(error));
    }
  }

  done(revision: number, historyChanged: boolean): { image: ClusterImage; delta: ImageDelta } {
    for (const [topicId, partitions] of this.#partitionsOf) {
      const after = partitions.done();
      if (after.size === 0) this.#partitions.delete(topicId);
      else this.#partitions.set(topicId, after);
    }
    const image: ClusterImage = {
      clusterId: this.#from.clusterId,
      revision,
      ...this.#single,
      brokers: this.#brokers.done(),
      topics: this.#topics.done(),
      topicNames: this.#topicNames.done(),
      partitions: this.#partitions.done(),
      deletions: this.#deletions.done(),
      configs: this.#configs.done(),
      unreadable: this.#unreadable.done(),
    };
    return { image, delta: this.#delta(revision, historyChanged) };
  }

  #delta(toRevision: number, historyChanged: boolean): ImageDelta {
    const { kinds, brokers, topics, partitions, deletions, configs } = this.#changed;
    return {
      fromRevision: this.#from.revision,
      toRevision,
      generation: kinds.has('generation'),
      controller: kinds.has('controller'),
      producerIds: kinds.has('producer-ids'),
      brokers: [...brokers],
      topics: [...topics],
      partitions: [...partitions].flatMap(([topicId, numbers]) => [...numbers].map((n) => [topicId, n] as const)),
      deletions: [...deletions],
      configs: [...configs],
      historyChanged,
    };
  }

  #put(parsed: ImageKey, kv: KeyValue | null): void {
    this.#changed.kinds.add(parsed.kind);
    switch (parsed.kind) {
      case 'generation':
        this.#single.generation = kv && versioned(generationCodec, kv);
        return;
      case 'controller':
        this.#single.controller = kv && versioned(controllerClaimCodec, kv);
        return;
      case 'producer-ids':
        this.#single.producerIds = kv && versioned(producerIdsCodec, kv);
        return;
      case 'broker':
        this.#changed.brokers.add(parsed.broker);
        setOrDelete(this.#brokers, parsed.broker, kv && versioned(brokerRegistrationCodec, kv));
        return;
      case 'topic':
        this.#changed.topics.add(parsed.name);
        this.#putTopic(parsed.name, kv && versioned(topicRecordCodec, kv));
        return;
      case 'partition':
        this.#putPartition(parsed.topicId, parsed.partition, kv && versioned(partitionRecordCodec, kv));
        return;
      case 'deletion':
        this.#changed.deletions.add(parsed.topicId);
        setOrDelete(this.#deletions, parsed.topicId, kv && versioned(deletionRecordCodec, kv));
        return;
      case 'config': {
        const name = `${parsed.resourceType}/${parsed.name}`;
        this.#changed.configs.add(name);
        setOrDelete(this.#configs, name, kv && versioned(configRecordCodec, kv));
      }
    }
  }

  #putTopic(name: string, topic: Versioned<TopicRecord> | null): void {
    const before = this.#topics.get(name);
    const formerId = before?.value.topicId;
    if (formerId !== undefined && this.#topicNames.get(formerId) === name) this.#topicNames.delete(formerId);
    if (topic !== null) this.#topicNames.set(topic.value.topicId, name);
    setOrDelete(this.#topics, name, topic);
  }

  #putPartition(topicId: string, partition: number, record: Versioned<PartitionRecord> | null): void {
    const changed = this.#changed.partitions.get(topicId) ?? new Set();
    this.#changed.partitions.set(topicId, changed.add(partition));
    let partitions = this.#partitionsOf.get(topicId);
    if (partitions === undefined) {
      partitions = (this.#partitions.get(topicId) ?? PersistentMap.empty()).edit();
      this.#partitionsOf.set(topicId, partitions);
    }
    setOrDelete(partitions, partition, record);
  }
}

/** Images are only made here, of persistent maps. */
function editable<K extends string | number, V>(map: ReadonlyMap<K, V>): PersistentMap<K, V> {
  return map as PersistentMap<K, V>;
}

function setOrDelete<K extends string | number, V>(edit: MapEdit<K, V>, key: K, value: V | null): void {
  if (value === null) edit.delete(key);
  else edit.set(key, value);
}

function versioned<T>(codec: Codec<T>, kv: KeyValue): Versioned<T> {
  return {
    value: codec.decode(kv.value, kv.key),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
  };
}
