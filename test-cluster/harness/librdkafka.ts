import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './processes';

/** PyPI's package whose wheel holds librdkafka. */
const PACKAGE = 'confluent-kafka==2.16.1';

/** A Python that has librdkafka's binding, in a virtual environment kept in a cache folder. */
export function librdkafkaPython(): string {
  const venv = join(ROOT, 'node_modules', '.cache', PACKAGE);
  const python = join(venv, 'bin', 'python');
  if (existsSync(python)) return python;
  const draft = `${venv}.${process.pid}`;
  mkdirSync(dirname(venv), { recursive: true });
  try {
    run('python3', ['-m', 'venv', draft]);
    run(join(draft, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]);
    rmSync(venv, { recursive: true, force: true });
    renameSync(draft, venv);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return python;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  if (status === 0) return;
  const why = error?.message ?? stderr;
  throw new Error(`librdkafka's Python binding can't be installed: ${command} ${args.join(' ')}: ${why}`);
}
