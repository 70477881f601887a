import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importCycles, LAYERS, PACKAGES, ROOT, rankOf, readSources, type SourceFile } from './sources';

const PURE = [
  'packages/protocol/src/',
  'packages/replication/src/',
  'packages/groups/src/',
  'packages/controller/src/core/',
];

/** Where sockets, files and other modules of Node may be reached. */
const ADAPTERS = [
  'packages/runtime/src/node/',
  'packages/rpc/src/',
  'packages/metadata/src/etcd/',
  'packages/metadata/src/embedded/',
  'packages/metadata/src/wire/',
  'packages/broker/src/composition/',
  'packages/broker/src/doors/',
  'packages/cli/src/',
  'packages/simulator/src/node/',
  'packages/simulator/src/soak/',
  'packages/simulator/src/mutants/',
  'packages/simulator/src/main.ts',
];

const PLATFORM = /^(node:|@grpc\/|etcd3$|net$|fs$|path$|os$|crypto$|http$)/;
const MAX_LINES = 600;

const sources: SourceFile[] = PACKAGES.flatMap((name) => readSources(`packages/${name}/src`));
const everything = [
  ...sources,
  ...PACKAGES.flatMap((name) => readSources(`packages/${name}/test`)),
  ...readSources('scripts'),
];

const packageOf = (path: string): string => path.split('/')[1]!;

describe('house rules', () => {
  it('a package imports only packages to its left, and only by name', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => specifier.startsWith('@ottla/'))
        .filter((specifier) => {
          const target = specifier.slice('@ottla/'.length);
          return !PACKAGES.includes(target) || rankOf(target) >= rankOf(packageOf(file.path));
        })
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('a package imports only what its package.json names', () => {
    const wrong = sources.flatMap((file) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', packageOf(file.path), 'package.json'), 'utf8'));
      const named = Object.keys(manifest.dependencies ?? {});
      return file.imports
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .filter((specifier) => !named.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
        .map((specifier) => `${file.path} imports ${specifier}`);
    });
    expect(wrong).toEqual([]);
  });

  it('tsconfig references name the same packages as package.json', () => {
    for (const name of PACKAGES) {
      const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
      const config = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'tsconfig.json'), 'utf8'));
      const dependencies = Object.keys(manifest.dependencies ?? {})
        .filter((dependency) => dependency.startsWith('@ottla/'))
        .map((dependency) => `../${dependency.slice('@ottla/'.length)}`);
      const references = config.references.map((reference: { path: string }) => reference.path);
      expect({ name, references: references.sort() }).toEqual({ name, references: dependencies.sort() });
    }
  });

  it('no file imports itself through others', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it('relative imports stay inside their package', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => {
          const folder = file.path.slice(0, file.path.lastIndexOf('/'));
          return !join(folder, specifier).startsWith(`packages/${packageOf(file.path)}/src`);
        })
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('pure folders import neither Node nor I/O', () => {
    const wrong = sources
      .filter((file) => PURE.some((folder) => file.path.startsWith(folder)))
      .flatMap((file) =>
        file.imports
          .filter((specifier) => PLATFORM.test(specifier))
          .map((specifier) => `${file.path} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it('only adapters reach the platform', () => {
    const wrong = sources
      .filter((file) => !ADAPTERS.some((folder) => file.path.startsWith(folder)))
      .flatMap((file) =>
        file.imports
          .filter((specifier) => PLATFORM.test(specifier))
          .map((specifier) => `${file.path} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it('pure folders hold no promise, timer or ambient clock', () => {
    const banned = /\b(async |await |Promise\b|setTimeout|setInterval|Date\.now|Math\.random|process\.)/;
    const wrong = sources
      .filter((file) => PURE.some((folder) => file.path.startsWith(folder)))
      .flatMap((file) =>
        withoutComments(file.text)
          .split('\n')
          .filter((line) => banned.test(line))
          .map((line) => `${file.path}: ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });

  it(`no file has over ${MAX_LINES} lines`, () => {
    expect(everything.filter((file) => file.lines > MAX_LINES).map((file) => `${file.path}: ${file.lines}`)).toEqual(
      [],
    );
  });

  it('no file is named for being a collection', () => {
    expect(
      everything.filter((file) => /\/(utils?|common|misc|helpers?)\.ts$/.test(file.path)).map((file) => file.path),
    ).toEqual([]);
  });

  it('the lock file names no registry host', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "https?:/);
  });

  it('docs/ARCHITECTURE.md names only what exists, and every package', () => {
    const page = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8');
    const named = [...page.matchAll(/`((?:packages|scripts|proto|docs)\/[\w./-]*)`/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(PACKAGES.filter((name) => !new RegExp(`\\b${name}\\b`).test(page.split('```')[1]!))).toEqual([]);
  });

  it('docs/ARCHITECTURE.md draws the layers as they are', () => {
    const page = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8');
    const drawn = page.split('```')[1]!.trim().split('\n');
    const layers = drawn.map((line) => line.split(/\s+/).filter((word) => PACKAGES.includes(word)));
    expect(layers.map((layer, index) => layer.slice(0, LAYERS[index]!.length))).toEqual(LAYERS);
  });

  it('every package has tests', () => {
    expect(PACKAGES.filter((name) => !existsSync(join(ROOT, 'packages', name, 'test')))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/[^\n]*/g, '');
}
