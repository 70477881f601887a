import type { Violation } from '../../run/result';
import type { Checker, Seen } from '../checker';
import { acknowledged } from './acknowledged';
import { consumed } from './consumed';
import { exactlyOnce } from './exactly-once';
import { expectedErrors } from './expected-errors';
import { generationsForward } from './generations';
import { groupOffsets } from './group-offsets';
import { offsetsForward } from './offsets-forward';
import { oneRecordPerPlace } from './one-record-per-place';
import { producerIdsOnce } from './producer-ids';

const CHECKERS: readonly Checker[] = [
  oneRecordPerPlace,
  acknowledged,
  consumed,
  offsetsForward,
  exactlyOnce,
  producerIdsOnce,
  groupOffsets,
  generationsForward,
  expectedErrors,
];

/** Everything that can be told from what clients saw. */
export function checkHistory(seen: Seen): Violation[] {
  return CHECKERS.flatMap((check) => check(seen));
}
