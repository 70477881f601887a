import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_DATA_DIR } from './bootstrap';

/** What a command's end is told to: the exit code of the process. */
export type Finish = (exitCode: number) => void;

/** Where the cluster is. */
export function withBootstrap(command: Command): Command {
  return command.option(
    '--bootstrap <addresses>',
    `brokers, HOST:PORT,... (default: those of ./${DEFAULT_DATA_DIR}/cluster.json, or 127.0.0.1:9092)`,
  );
}

/** May be given several times. */
export function listOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .default([] as string[], '')
    .argParser((value: string, all: string[]) => [...all, value]);
}

export function settingOption(description: string): Option {
  return listOption('--set <name=value>', description);
}

/** 1 or more. */
export function countOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value) => {
    const count = wholeNumber(value);
    if (count < 1) throw new InvalidArgumentError('Expected 1 or more.');
    return count;
  });
}

export function wholeNumber(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(value);
}

export function portNumber(value: string): number {
  const port = wholeNumber(value);
  if (port < 1 || port > 65535) throw new InvalidArgumentError('Expected a port, 1 to 65535.');
  return port;
}

export function offset(value: string): string {
  if (value === 'earliest' || value === 'latest') return value;
  return String(wholeNumber(value));
}
