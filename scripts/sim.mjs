// Runs one seed in the simulator: npm run sim -- --seed N [--trace] [--mutant NAME] [--omit 3,7-12]
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { mutantNamed, simulatorBundle } from './sim/build.mjs';

const args = process.argv.slice(2);
const name = args.flatMap((arg, at) =>
  arg === '--mutant' ? args.slice(at + 1, at + 2) : (/^--mutant=(.*)/.exec(arg)?.slice(1) ?? []),
)[0];
const bundle = await simulatorBundle({ mutant: name === undefined ? null : await mutantNamed(name) });
// One seed is over before optimised code pays for its making.
for (const flag of ['--no-opt', '--always-sparkplug']) setFlagsFromString(flag);
process.setSourceMapsEnabled(true);
process.exitCode = await createRequire(import.meta.url)(bundle).main(args);
