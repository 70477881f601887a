/** Why a broker was taken for dead: nobody listens at its address, or it wasn't heard for a session timeout. */
export type FenceEvidence = 'refused' | 'silent';

/**
 * By which rule a leader was found:
 * - `isr`, `elr`: clean, it holds everything committed;
 * - `last-known`: nobody is known to hold everything; the last leader may have lost a tail;
 * - `unclean`: `unclean.leader.election.enable` let any replica lead.
 */
export type ElectionKind = 'isr' | 'elr' | 'last-known' | 'unclean';

/** What a controller did, for metrics and for those who watch it. */
export type ControllerEvent =
  | { readonly type: 'claimed'; readonly epoch: number }
  | { readonly type: 'stood-down'; readonly epoch: number; readonly reason: string }
  | { readonly type: 'fenced'; readonly broker: number; readonly run: string; readonly evidence: FenceEvidence }
  | { readonly type: 'deposed-controller'; readonly broker: number; readonly run: string; readonly evidence: string }
  /** A run that a refused connection made pass for dead registered again. */
  | { readonly type: 'wrong-guess'; readonly broker: number; readonly run: string }
  | {
      readonly type: 'elected';
      readonly topic: string;
      readonly partition: number;
      readonly broker: number;
      readonly leaderEpoch: number;
      readonly kind: ElectionKind;
    }
  | { readonly type: 'leaderless'; readonly topic: string; readonly partition: number; readonly leaderEpoch: number };
