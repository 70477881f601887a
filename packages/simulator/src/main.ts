import { runSeed } from './run/run-seed';
import { parseNumberList } from './soak';

export { runSeed };

const SEED_MAX = 2 ** 53;
/** What a shell reports of a command whose reader went away. */
const BROKEN_PIPE_STATUS = 141;

interface Arguments {
  seed: number;
  trace: boolean;
  mutant?: string;
  omit: Set<number>;
  faultMs?: number;
}

function usage(sentence: string): never {
  process.stderr.write(
    `${sentence}\nusage: npm run sim -- --seed N [--trace] [--mutant NAME] [--omit 3,7-12] [--fault-ms MS]\n`,
  );
  process.exit(2);
}

function wholeNumber(name: string, text: string | undefined, most: number): number {
  const value = text !== undefined && /^\d+$/.test(text) && BigInt(text) <= BigInt(most) ? Number(text) : Number.NaN;
  if (!(value <= most)) usage(`${name} ${text ?? ''}: give a whole number from 0 to ${most}`);
  return value;
}

function numberList(name: string, text = ''): number[] {
  try {
    return parseNumberList(text);
  } catch (error) {
    return usage(`${name}: ${(error as Error).message}`);
  }
}

function parse(args: readonly string[]): Arguments {
  const parsed: Partial<Arguments> & { omit: Set<number>; trace: boolean } = { trace: false, omit: new Set() };
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = args[at]!.split(/=(.*)/s) as [string, string | undefined];
    const value = (): string | undefined => inline ?? args[++at];
    if (flag === '--seed') parsed.seed = wholeNumber(flag, value(), SEED_MAX);
    else if (flag === '--trace') parsed.trace = true;
    else if (flag === '--mutant') parsed.mutant = value() ?? usage('--mutant needs a name');
    else if (flag === '--fault-ms') parsed.faultMs = wholeNumber(flag, value(), 3_600_000);
    else if (flag === '--omit') {
      for (const index of numberList(flag, value())) parsed.omit.add(index);
    } else usage(`unknown argument ${flag}`);
  }
  if (parsed.seed === undefined) usage('which seed?');
  return parsed as Arguments;
}

/** The command `sim`; resolves to its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const { trace, ...options } = parse(args);
  process.stdout.on('error', () => process.exit(BROKEN_PIPE_STATUS));
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const result = await runSeed({ ...options, ...(trace ? { trace: print } : {}) });
  for (const { invariant, at, message } of result.violations)
    print(`violated ${invariant} at ${at.toFixed(3)} ms: ${message}`);
  print(`seed ${result.seed}: ${result.events} events in ${(result.virtualMs / 1000).toFixed(1)} virtual seconds`);
  print(`counters ${JSON.stringify(result.counters)}`);
  print(`digest ${result.digest}`);
  return result.violations.length === 0 ? 0 : 1;
}
