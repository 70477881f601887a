import { parseArgs } from 'node:util';

export interface ChaosOptions {
  /** How long faults are made; what is under way then is finished and checked. */
  readonly minutes: number;
  readonly store: 'etcd' | 'embedded';
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  readonly brokers: number;
  /** Kinds of fault to draw from; empty: all that this machine can make. */
  readonly kinds: readonly string[];
  /** Logs and data stay also after a run that went well. */
  readonly keep: boolean;
  /** A file for the result as JSON; null: none. */
  readonly json: string | null;
}

export const USAGE = `Usage: npm run chaos -- --minutes M [options]
  --minutes M         how long faults are made (fractions are fine)
  --store KIND        embedded (default), or etcd: the etcd on the PATH
  --seed N            draws the faults (default: a random one, printed)
  --brokers N         3 to 9 (default: 3)
  --faults KIND,...   only these kinds
  --keep              keep logs and data also when all went well
  --json FILE         write the result there as well`;

/** @throws Error whose message says what is wrong with the arguments. */
export function parseOptions(args: readonly string[], randomSeed: () => number): ChaosOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string' },
      store: { type: 'string', default: 'embedded' },
      seed: { type: 'string' },
      brokers: { type: 'string', default: '3' },
      faults: { type: 'string', default: '' },
      keep: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { store } = values;
  if (store !== 'etcd' && store !== 'embedded') throw new Error(`--store ${store}: expected etcd or embedded`);
  return {
    minutes: minutesOf(values.minutes),
    store,
    seed: values.seed === undefined ? randomSeed() : wholeNumber('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    brokers: wholeNumber('brokers', values.brokers, 3, 9),
    kinds: values.faults === '' ? [] : values.faults.split(','),
    keep: values.keep,
    json: values.json ?? null,
  };
}

function minutesOf(text: string | undefined): number {
  if (text === undefined) throw new Error('--minutes is missing');
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 7 * 24 * 60)) throw new Error(`--minutes ${text}: expected minutes, up to a week`);
  return minutes;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new Error(`--${name} ${text}: expected a whole number from ${least} to ${most}`);
  return value;
}
