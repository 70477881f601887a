import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { missingPrograms } from './machine/capabilities';
import { type ChaosOptions, parseOptions, USAGE } from './options';
import { ChaosRun, isClean } from './run';

const RANDOM_SEED_MAX = 2 ** 32;

/** `npm run chaos`. Resolves to the exit status: 0 when nothing was found, 2 for wrong arguments or a missing program. */
export async function main(args: readonly string[]): Promise<number> {
  let options: ChaosOptions | 'help';
  try {
    options = parseOptions(args, () => randomInt(RANDOM_SEED_MAX));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const missing = missingPrograms(options.store);
  if (missing !== null) {
    console.error(missing);
    return 2;
  }
  try {
    return await run(new ChaosRun(options, (line) => console.log(line)), options.json);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
}

async function run(chaos: ChaosRun, json: string | null): Promise<number> {
  const interrupt = (signal: NodeJS.Signals): void => {
    chaos.removeNow();
    console.error(`ended by ${signal}; nothing was checked, nothing is left behind`);
    process.exit(130);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const onExit = (): void => chaos.removeNow();
  process.once('exit', onExit);
  try {
    const result = await chaos.run();
    if (json !== null) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
    return isClean(result) ? 0 : 1;
  } finally {
    process.removeListener('exit', onExit);
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}
