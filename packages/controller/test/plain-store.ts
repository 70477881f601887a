import {
  brokerRegistrationCodec,
  type ClusterImage,
  type Codec,
  controllerClaimCodec,
  deletionRecordCodec,
  type KeyValue,
  type Op,
  partitionRecordCodec,
  type Txn,
  type TxnResult,
  topicRecordCodec,
  type Versioned,
} from '@ottla/metadata';
import { guardHolds } from '../src/core/txn/guards';
import { KEYS } from './controller-fixtures';
import { imageOf } from './fixtures';

/** The store's rules for transactions, synchronous and without leases: for properties of pure plans. */
export class PlainStore {
  readonly #entries = new Map<string, KeyValue>();
  revision = 1;

  get(key: string): KeyValue | undefined {
    return this.#entries.get(key);
  }

  put(key: string, value: Uint8Array): void {
    this.revision++;
    this.#put(key, value);
  }

  delete(key: string): void {
    this.revision++;
    this.#entries.delete(key);
  }

  txn({ compare, success, failure = [] }: Txn): TxnResult {
    const succeeded = compare.every((guard) => guardHolds(guard, this.#entries.get(guard.key)));
    const ops = succeeded ? success : failure;
    const reads = ops
      .filter((op) => op.type === 'get')
      .map((op) => [this.#entries.get(op.key)].filter((kv) => kv !== undefined));
    if (succeeded) this.revision++;
    for (const op of ops) this.#apply(op);
    return { succeeded, revision: this.revision, reads };
  }

  image(): ClusterImage {
    const partitions: Record<string, [number, Versioned<ReturnType<typeof partitionRecordCodec.decode>>][]> = {};
    for (const kv of this.#below(KEYS.partitions())) {
      const [topicId, partition] = kv.key.slice(KEYS.partitions().length).split('/');
      partitions[topicId!] ??= [];
      partitions[topicId!]!.push([Number(partition), versionedBy(partitionRecordCodec, kv)]);
    }
    const claim = this.#entries.get(KEYS.controller());
    return imageOf({
      revision: this.revision,
      controller: claim === undefined ? null : versionedBy(controllerClaimCodec, claim),
      brokers: this.#below(KEYS.brokers()).map((kv) => versionedBy(brokerRegistrationCodec, kv)),
      topics: this.#below(KEYS.topics()).map((kv) => versionedBy(topicRecordCodec, kv)),
      deletions: this.#below(KEYS.deletions()).map((kv) => versionedBy(deletionRecordCodec, kv)),
      partitions,
    });
  }

  #apply(op: Op): void {
    if (op.type === 'put') this.#put(op.key, op.value);
    if (op.type === 'delete') this.#entries.delete(op.key);
    if (op.type === 'delete-prefix') for (const kv of this.#below(op.prefix)) this.#entries.delete(kv.key);
  }

  #put(key: string, value: Uint8Array): void {
    const before = this.#entries.get(key);
    this.#entries.set(key, {
      key,
      value,
      createRevision: before?.createRevision ?? this.revision,
      modRevision: this.revision,
      version: (before?.version ?? 0) + 1,
      lease: '0',
    });
  }

  #below(prefix: string): KeyValue[] {
    return [...this.#entries.values()]
      .filter((kv) => kv.key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

function versionedBy<T>(codec: Codec<T>, kv: KeyValue): Versioned<T> {
  return { value: codec.decode(kv.value, kv.key), createRevision: kv.createRevision, modRevision: kv.modRevision };
}
