import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type ControllerClaim,
  controllerClaimCodec,
  type KeyValue,
  keysFor,
  parseKey,
  partitionRecordCodec,
  type WatchEvent,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';

/** A value of the store with what the store says of it. */
export interface Stored<T> {
  readonly value: T;
  readonly kv: KeyValue;
}

/** One change of the kind of key that the checkers look at: what was there, and what is. */
export type StoreChange =
  | { readonly kind: 'generation' }
  | {
      readonly kind: 'claim';
      readonly before: Stored<ControllerClaim> | null;
      readonly after: Stored<ControllerClaim> | null;
    }
  | {
      readonly kind: 'registration';
      readonly broker: number;
      readonly before: Stored<BrokerRegistration> | null;
      readonly after: Stored<BrokerRegistration> | null;
    }
  | {
      readonly kind: 'partition';
      readonly topicId: string;
      readonly partition: number;
      readonly before: Stored<PartitionRecord> | null;
      readonly after: Stored<PartitionRecord> | null;
    };

/** What the store holds, as far as the checkers look at it. */
export class StoreView {
  claim: Stored<ControllerClaim> | null = null;
  readonly registrations = new Map<number, Stored<BrokerRegistration>>();
  readonly partitions = new Map<string, Stored<PartitionRecord>>();
  private readonly keys;

  constructor(clusterId: string) {
    this.keys = keysFor(clusterId);
  }

  /** Takes in one event; null when it is of no interest here. */
  apply(event: WatchEvent): StoreChange | null {
    const key = parseKey(this.keys, event.key);
    const kv = event.type === 'put' ? event.kv : null;
    switch (key?.kind) {
      case 'generation':
        return { kind: 'generation' };
      case 'controller': {
        const before = this.claim;
        this.claim = kv && { value: controllerClaimCodec.decode(kv.value, kv.key), kv };
        return { kind: 'claim', before, after: this.claim };
      }
      case 'broker': {
        const { broker } = key;
        const before = this.registrations.get(broker) ?? null;
        const after = kv && { value: brokerRegistrationCodec.decode(kv.value, kv.key), kv };
        if (after === null) this.registrations.delete(broker);
        else this.registrations.set(broker, after);
        return { kind: 'registration', broker, before, after };
      }
      case 'partition': {
        const { topicId, partition } = key;
        const before = this.partitions.get(event.key) ?? null;
        const after = kv && { value: partitionRecordCodec.decode(kv.value, kv.key), kv };
        if (after === null) this.partitions.delete(event.key);
        else this.partitions.set(event.key, after);
        return { kind: 'partition', topicId, partition, before, after };
      }
      default:
        return null;
    }
  }

  clear(): void {
    this.claim = null;
    this.registrations.clear();
    this.partitions.clear();
  }
}
