/** Written by `npm run sim:mutants -- --remember`: ordinary seeds that find a mutant, tried first. Without it they hold. */
export const KNOWN_SEEDS: Readonly<Record<string, readonly number[]>> = {
  'append-result-of-older-epoch': [310],
  'elr-kept-when-minimum-changes': [131],
  'draining-broker-added': [114],
  'shrink-without-own-registration': [329],
  'deposed-controller-writes': [46],
  'fencing-ping-pong': [181],
  'lost-lease-renewed': [15],
  'folder-deleted-for-absence': [85],
  'clean-marker-left': [300],
  'failed-append-keeps-dedupe': [5],
  'dedupe-lost-on-promotion': [192],
};
