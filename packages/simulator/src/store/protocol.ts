import type { RangeMessage, TxnMessage, WatchMessage } from './messages';

/** The calls that Ottla's client makes, by name. */
export interface Calls {
  readonly range: RangeMessage;
  readonly txn: TxnMessage;
  readonly leaseGrant: { readonly TTL: number };
  readonly leaseRevoke: { readonly ID: string };
}

/** A member's connection as packets: calls and streams by number. */
export type ToMember =
  | { readonly type: 'call'; readonly id: number; readonly method: keyof Calls; readonly request: unknown }
  | { readonly type: 'open'; readonly id: number; readonly kind: 'watch' | 'keep-alive' }
  | { readonly type: 'write'; readonly id: number; readonly message: WatchMessage | { readonly ID: string } }
  | { readonly type: 'cancel'; readonly id: number };

export type FromMember =
  | { readonly type: 'answer'; readonly id: number; readonly value: object }
  | { readonly type: 'refusal'; readonly id: number; readonly message: string }
  | { readonly type: 'data'; readonly id: number; readonly message: object };

/** Bytes of a packet, roughly. */
export const PACKET_BYTES = 256;
