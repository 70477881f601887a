import type { History } from '../history/history';
import type { Violation } from '../run/result';
import type { Exemptions } from './exemptions';
import type { Truth } from './truth';

/** What a checker of the outside goes by: what clients saw, and what may be missing. */
export interface Seen {
  readonly history: History;
  readonly exemptions: Exemptions;
  readonly truth: Truth;
  /** After how long without a batch the broker whose clock is furthest ahead forgets a producer, by the producer's clock. */
  readonly producerExpirationMs: number;
}

/** Looks for one kind of broken promise. Pure. */
export type Checker = (seen: Seen) => Violation[];
