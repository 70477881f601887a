// Bundles the simulator, with a mutant's edits of the production sources when one is asked for. The edits exist only here:
// what a broker runs is built by others. `simulatorBundle()` returns the path of a CommonJS module with the exports of
// packages/simulator/src/main.ts, and builds it only when a source is newer.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const packages = readdirSync(join(root, 'packages'));
const entry = join(root, 'packages/simulator/src/main.ts');
const outdir = join(root, 'packages/simulator/dist/bundle');

/** Packages that hold prebuilt binaries, and what only adapters load that the simulator has no use for. */
const external = [
  '@node-rs/crc32',
  'snappy',
  'lz4-napi',
  '@toondepauw/node-zstd',
  'koffi',
  '@grpc/grpc-js',
  'etcd3',
  'winston',
  'protobufjs',
];

const options = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  sourcemap: 'inline',
  sourcesContent: false,
  external,
  logLevel: 'silent',
  write: false,
};

/** Workspace packages by name; what a bundle doesn't use of them is left out, with all that it would load. */
const workspace = {
  name: 'workspace',
  setup(bundler) {
    bundler.onResolve({ filter: /^@ottla\/[a-z]+$/ }, ({ path }) => ({
      path: join(root, 'packages', path.slice('@ottla/'.length), 'src/index.ts'),
      sideEffects: false,
    }));
    bundler.onResolve({ filter: /^\./ }, ({ path, importer, resolveDir, kind }) => {
      if (!/[\\/]packages[\\/]/.test(importer) || kind !== 'import-statement') return undefined;
      const base = join(resolveDir, path);
      const found = [`${base}.ts`, join(base, 'index.ts')].find((candidate) => existsSync(candidate));
      return found === undefined ? undefined : { path: found, sideEffects: false };
    });
  },
};

/** The simulator's bundle, of the sources as they are or with the edits of `mutant` ({ name, edits }). */
export async function simulatorBundle({ mutant = null, force = false } = {}) {
  const outfile = join(outdir, mutant === null ? 'simulator.cjs' : `mutants/${mutant.name}.cjs`);
  const began = Date.now();
  if (!force && existsSync(outfile) && statSync(outfile).mtimeMs >= newestSource()) return outfile;
  const code = await bundleCode(mutant);
  // Whoever runs the former bundle now has all of it; and a source edited meanwhile is newer than this one.
  const written = `${outfile}.${process.pid}`;
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(written, code);
  utimesSync(written, began / 1000, began / 1000);
  renameSync(written, outfile);
  return outfile;
}

/** The bundle's code. Throws with esbuild's errors, and when an edit doesn't apply exactly once. */
export async function bundleCode(mutant) {
  const result = await build({
    ...options,
    entryPoints: [entry],
    outfile: 'simulator.cjs',
    plugins: pluginsFor(mutant),
  });
  return result.outputFiles[0].text;
}

/** The exports of a TypeScript module of this repository, for scripts. */
export async function loadTypeScript(path) {
  const result = await build({
    ...options,
    format: 'esm',
    sourcemap: false,
    entryPoints: [join(root, path)],
    plugins: [workspace],
  });
  const code = Buffer.from(result.outputFiles[0].text).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}

/** The mutant called `name`; throws with the names there are when there is none. */
export async function mutantNamed(name) {
  const { MUTANTS } = await loadTypeScript('packages/simulator/src/mutants/index.ts');
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant !== undefined) return mutant;
  throw new Error(`There is no mutant ${name}. There are: ${MUTANTS.map((candidate) => candidate.name).join(', ')}.`);
}

function pluginsFor(mutant) {
  return mutant === null ? [workspace] : [workspace, mutantPlugin(mutant)];
}

/** Applies a mutant's edits while the sources are loaded; each must find its text exactly once. */
function mutantPlugin({ name, edits }) {
  const byFile = new Map();
  for (const edit of edits) byFile.set(edit.file, [...(byFile.get(edit.file) ?? []), edit]);
  const applied = new Set();
  return {
    name: 'mutant',
    setup(bundler) {
      bundler.onLoad({ filter: /[\\/]packages[\\/][a-z]+[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const file = relative(root, path).split(sep).join('/');
        const own = byFile.get(file);
        if (own === undefined) return undefined;
        applied.add(file);
        return {
          contents: own.reduce((text, edit) => edited(text, edit, name), readFileSync(path, 'utf8')),
          loader: 'ts',
        };
      });
      bundler.onEnd(() => {
        const missed = [...byFile.keys()].filter((file) => !applied.has(file));
        if (missed.length === 0) return undefined;
        return {
          errors: missed.map((file) => ({ text: `Mutant ${name} edits ${file}, which the simulator doesn't load.` })),
        };
      });
    },
  };
}

function edited(text, { file, find, replace }, name) {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  const found = parts.length === 1 ? "isn't there" : `is there ${parts.length - 1} times`;
  throw new Error(`Mutant ${name}: the text to replace in ${file} ${found}; make it name one place:\n${find}`);
}

function newestSource() {
  const inputs = packages.map((name) => join(root, 'packages', name, 'src')).filter((path) => existsSync(path));
  return Math.max(...[...inputs, join(root, 'package-lock.json'), fileURLToPath(import.meta.url)].map(newestMtime));
}

function newestMtime(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMtime(join(path, name))), stat.mtimeMs);
}
