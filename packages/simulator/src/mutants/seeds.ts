/** Written by `npm run sim:mutants -- --remember`: ordinary seeds that find a mutant, tried first. Without it they hold. */
export const KNOWN_SEEDS: Readonly<Record<string, readonly number[]>> = {};
