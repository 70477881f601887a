/** Written by `npm run sim:mutants -- --remember`: ordinary seeds that find a mutant, tried first. Without it they hold. */
export const KNOWN_SEEDS: Readonly<Record<string, readonly number[]>> = {
  'elr-kept-when-minimum-changes': [131],
  'draining-broker-added': [114],
  'shrink-without-own-registration': [329],
  'fencing-ping-pong': [181],
  'lost-lease-renewed': [15],
  'clean-marker-left': [300],
};
