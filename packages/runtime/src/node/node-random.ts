import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../ports/random';

/** The operating system's randomness. */
export const nodeRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
  below: (bound) => randomInt(bound),
};
