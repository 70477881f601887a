import type { KeyValue } from '../store';
import type { KeyRange } from './key-range';

/** Reads a range as of a revision. Every field of etcd's RangeRequest that changes what is answered. */
export interface RangeRequest {
  readonly range: KeyRange;
  /** 0 means now. */
  readonly revision: number;
  /** 0 means all. */
  readonly limit: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly sort?: { readonly by: 'key' | 'version' | 'create' | 'mod' | 'value'; readonly descending: boolean };
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  readonly more: boolean;
}

export interface PutRequest {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease: string;
  readonly previous?: boolean;
  /** Keeps the value the key has. */
  readonly ignoreValue?: boolean;
  /** Keeps the lease the key has. */
  readonly ignoreLease?: boolean;
}

export interface DeleteRequest {
  readonly range: KeyRange;
  readonly previous?: boolean;
}

export type Operation =
  | ({ readonly type: 'range' } & RangeRequest)
  | ({ readonly type: 'put' } & PutRequest)
  | ({ readonly type: 'delete' } & DeleteRequest);

export type OperationResult =
  | ({ readonly type: 'range' } & RangeResult)
  | { readonly type: 'put'; readonly previous: KeyValue | null }
  | { readonly type: 'delete'; readonly deleted: number; readonly previous: readonly KeyValue[] };

/** Holds when it holds for every key of the range; an absent single key has revisions and version 0 and no value. */
export type Guard = { readonly range: KeyRange; readonly relation: 'equal' | 'greater' | 'less' | 'not-equal' } & (
  | { readonly target: 'version' | 'create' | 'mod'; readonly operand: number }
  | { readonly target: 'value'; readonly operand: Uint8Array }
  | { readonly target: 'lease'; readonly operand: string }
);

export interface Transaction {
  readonly guards: readonly Guard[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export interface TransactionResult {
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

/** A change of one key, as kept in the history. */
export type Change =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string };

/** What the machine did, complete enough to do it again: what a durable host logs, in order. */
export type MachineRecord =
  | { readonly type: 'commit'; readonly revision: number; readonly changes: readonly Change[] }
  | { readonly type: 'grant'; readonly lease: string; readonly ttlMs: number }
  /** Its keys' deletion, if it had any, is a commit of its own just before. */
  | { readonly type: 'revoke'; readonly lease: string }
  | { readonly type: 'compact'; readonly revision: number };
