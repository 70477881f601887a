// Lets scripts use the TypeScript of test-cluster and of the packages: transpiled by esbuild when it is required,
// like any module.
import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

Module._extensions['.ts'] = (module, path) => {
  const { code } = transformSync(readFileSync(path, 'utf8'), { loader: 'ts', format: 'cjs', sourcefile: path });
  module._compile(code, path);
};

// A package's sources rather than its build, which may be missing or older.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => {
  const name = /^@ottla\/(\w+)$/.exec(request)?.[1];
  return name === undefined ? resolveFilename(request, ...rest) : join(root, 'packages', name, 'src/index.ts');
};

/** A module of test-cluster by its path there without extension. */
export function testClusterModule(path) {
  return require(join(root, 'test-cluster', `${path}.ts`));
}

/** A module of test-cluster/harness by its file's name without extension. */
export function harnessModule(name) {
  return testClusterModule(`harness/${name}`);
}

/** A package of this project by its name without scope. */
export function packageModule(name) {
  return require(`@ottla/${name}`);
}
