import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { startEmbeddedStore } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import { type Logger, nodeClock, nodeDisk } from '@ottla/runtime';
import { CommandError } from '../command-error';
import { complain, say } from '../stdio/say';
import { runService } from '../up/service';

export interface StoreFlags {
  readonly config?: string;
  readonly dir?: string;
  readonly listen?: string;
  readonly supervised?: boolean;
}

interface StoreSettings {
  readonly dir: string;
  readonly host: string;
  readonly port: number;
}

/** Runs the embedded metadata store until it is told to stop. Answers the exit code. */
export async function store(flags: StoreFlags): Promise<number> {
  const { dir, host, port } = await settingsOf(flags);
  return runService('store', flags.supervised ?? false, async () => {
    const logger = lineLogger({ part: 'store' });
    const running = await startEmbeddedStore({ dir, host, port, clock: nodeClock, disk: nodeDisk, logger });
    if (!flags.supervised) say(`the metadata store of ${dir} serves at ${running.endpoint}`);
    return { failed: running.failed as Promise<OttlaError>, close: () => running.close() };
  });
}

const DEFAULT_LISTEN = '127.0.0.1:2379';

async function settingsOf(flags: StoreFlags): Promise<StoreSettings> {
  const file = flags.config === undefined ? {} : await readStoreConfig(flags.config);
  const dir = flags.dir ?? file.dir;
  if (dir === undefined)
    throw new CommandError('where is the store? Give its directory by --dir, or a file by --config');
  const listen = flags.listen ?? file.listen ?? DEFAULT_LISTEN;
  const match = /^(?:\[([^\]]+)\]|([^:\s]*)):(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[3]) > 65535) throw new CommandError(`--listen ${listen}: expected HOST:PORT`);
  return { dir: resolve(dir), host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

async function readStoreConfig(path: string): Promise<{ dir?: string; listen?: string }> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`the store's config ${path} can't be read: ${(error as Error).message}`, 1, {
      cause: error,
    });
  }
  const { dir, listen, ...others } = parsed as Record<string, unknown>;
  const unknown = Object.keys(others);
  if (unknown.length > 0)
    throw new CommandError(`${path} has unknown settings: ${unknown.join(', ')}; known: dir, listen`);
  if (typeof dir !== 'string' || (listen !== undefined && typeof listen !== 'string')) {
    throw new CommandError(`${path}: expected {"dir": "...", "listen": "HOST:PORT"}`);
  }
  return { dir, ...(listen !== undefined && { listen }) };
}

/** Log lines on standard error: a time, a level, a sentence and fields. */
function lineLogger(fields: Record<string, unknown>): Logger {
  const write =
    (level: string) =>
    (message: string, more: Record<string, unknown> = {}): void => {
      const pairs = Object.entries({ ...fields, ...more }).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      complain(`${new Date().toISOString()} ${level.padEnd(5)} ${message} ${pairs.join(' ')}`.trimEnd());
    };
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: () => {},
    child: (more) => lineLogger({ ...fields, ...more }),
  };
}
