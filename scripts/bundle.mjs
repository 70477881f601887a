// Bundles the ottla command into packages/cli/dist/ottla.cjs. With --if-stale it does nothing when the bundle is newer than every source.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { etcd3Plugin } from './etcd3-plugin.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outfile = join(root, 'packages/cli/dist/ottla.cjs');
const packages = readdirSync(join(root, 'packages'));

/** Packages that hold prebuilt binaries: they stay in node_modules. */
const external = ['@node-rs/crc32', 'snappy', 'lz4-napi', '@toondepauw/node-zstd', 'koffi'];

function newestMtime(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMtime(join(path, name))));
}

function stale() {
  if (!existsSync(outfile)) return true;
  const inputs = [...packages.map((name) => join(root, 'packages', name, 'src')), join(root, 'package-lock.json')];
  return inputs.some((path) => newestMtime(path) > statSync(outfile).mtimeMs);
}

if (!process.argv.includes('--if-stale') || stale()) {
  await build({
    entryPoints: [join(root, 'packages/cli/src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    keepNames: true,
    sourcemap: true,
    external,
    plugins: [etcd3Plugin],
    alias: Object.fromEntries(packages.map((name) => [`@ottla/${name}`, join(root, 'packages', name, 'src/index.ts')])),
    logLevel: 'warning',
  });
  // Loads everything once, so that the launcher has compiled code to keep from the start.
  spawnSync(process.execPath, [join(root, 'packages/cli/bin/ottla'), 'config', '--json'], { stdio: 'ignore' });
}
