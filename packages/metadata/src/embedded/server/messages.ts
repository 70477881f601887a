/**
 * etcd's messages as the server sees them, once decoded: bytes as Buffer, int64 as decimal strings, enums as numbers,
 * absent fields filled with their defaults.
 */
export interface KeyValueMessage {
  readonly key: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: string;
}

export interface HeaderMessage {
  readonly cluster_id: string;
  readonly member_id: string;
  readonly revision: number;
  readonly raft_term: number;
}

export interface RangeRequestMessage {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly limit: string;
  readonly revision: string;
  readonly sort_order: number;
  readonly sort_target: number;
  readonly keys_only: boolean;
  readonly count_only: boolean;
  readonly min_mod_revision: string;
  readonly max_mod_revision: string;
  readonly min_create_revision: string;
  readonly max_create_revision: string;
}

export interface PutRequestMessage {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly lease: string;
  readonly prev_kv: boolean;
  readonly ignore_value: boolean;
  readonly ignore_lease: boolean;
}

export interface DeleteRangeRequestMessage {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly prev_kv: boolean;
}

export interface RequestOpMessage {
  readonly request?: 'request_range' | 'request_put' | 'request_delete_range' | 'request_txn';
  readonly request_range?: RangeRequestMessage;
  readonly request_put?: PutRequestMessage;
  readonly request_delete_range?: DeleteRangeRequestMessage;
}

export interface CompareMessage {
  readonly result: number;
  readonly target: number;
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly version?: string;
  readonly create_revision?: string;
  readonly mod_revision?: string;
  readonly value?: Buffer;
  readonly lease?: string;
}

export interface TxnRequestMessage {
  readonly compare: readonly CompareMessage[];
  readonly success: readonly RequestOpMessage[];
  readonly failure: readonly RequestOpMessage[];
}

export interface RangeResponseMessage {
  readonly header?: HeaderMessage;
  readonly kvs: readonly KeyValueMessage[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutResponseMessage {
  readonly header?: HeaderMessage;
  readonly prev_kv?: KeyValueMessage;
}

export interface DeleteRangeResponseMessage {
  readonly header?: HeaderMessage;
  readonly deleted: number;
  readonly prev_kvs: readonly KeyValueMessage[];
}

export interface ResponseOpMessage {
  readonly response_range?: RangeResponseMessage;
  readonly response_put?: PutResponseMessage;
  readonly response_delete_range?: DeleteRangeResponseMessage;
}

export interface WatchCreateMessage {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly start_revision: string;
  readonly progress_notify: boolean;
  readonly filters: readonly number[];
  readonly prev_kv: boolean;
  readonly watch_id: string;
}

export interface WatchRequestMessage {
  readonly create_request?: WatchCreateMessage;
  readonly cancel_request?: { readonly watch_id: string };
  readonly progress_request?: object;
}

export interface WatchResponseMessage {
  readonly header: HeaderMessage;
  readonly watch_id: number;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: number;
  readonly cancel_reason?: string;
  readonly events?: readonly EventMessage[];
}

export interface EventMessage {
  /** 0: put, 1: delete. */
  readonly type: 0 | 1;
  readonly kv: KeyValueMessage;
  readonly prev_kv?: KeyValueMessage;
}
