import { CONTROLLING } from './controlling';
import { HIGH_WATERMARK } from './high-watermark';
import { IDEMPOTENCE } from './idempotence';
import { IN_SYNC } from './in-sync';
import type { Mutant } from './mutant';
import { STORAGE } from './storage';
import { TRUNCATION } from './truncation';

export { seedsOf } from '../faults/ambush/recipes';
export type { Mutant, SourceEdit } from './mutant';
export { KNOWN_SEEDS } from './seeds';

/** Every known mistake that the simulator must find. */
export const MUTANTS: readonly Mutant[] = [
  ...TRUNCATION,
  ...HIGH_WATERMARK,
  ...IN_SYNC,
  ...CONTROLLING,
  ...STORAGE,
  ...IDEMPOTENCE,
];
