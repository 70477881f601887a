// Lets scripts use the TypeScript of test-cluster/harness: transpiled by esbuild when it is required, like any module.
import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const harness = join(dirname(fileURLToPath(import.meta.url)), '../test-cluster/harness');
const require = createRequire(import.meta.url);

Module._extensions['.ts'] = (module, path) => {
  const { code } = transformSync(readFileSync(path, 'utf8'), { loader: 'ts', format: 'cjs', sourcefile: path });
  module._compile(code, path);
};

/** A module of test-cluster/harness by its file's name without extension. */
export function harnessModule(name) {
  return require(join(harness, `${name}.ts`));
}
