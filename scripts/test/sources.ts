import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const ROOT = join(__dirname, '..', '..');

/** Ranks of the packages: a package imports only from packages of a lower rank. */
export const LAYERS: readonly (readonly string[])[] = [
  ['protocol'],
  ['replication', 'groups'],
  ['runtime'],
  ['log', 'metadata', 'rpc'],
  ['controller', 'client'],
  ['broker'],
  ['cli', 'simulator'],
];

export const PACKAGES = LAYERS.flat();

export function rankOf(name: string): number {
  return LAYERS.findIndex((layer) => layer.includes(name));
}

export interface SourceFile {
  /** Path below the repository's root, with forward slashes. */
  path: string;
  text: string;
  lines: number;
  imports: string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\b(?:require|import)\(\s*['"]([^'"]+)['"]\s*\)/g;

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === 'node_modules' || name === 'dist' || name === 'generated') return [];
    if (statSync(path).isDirectory()) return walk(path);
    return /\.(ts|mjs|cjs)$/.test(name) && !name.endsWith('.d.ts') ? [path] : [];
  });
}

export function readSources(folder: string): SourceFile[] {
  return walk(join(ROOT, folder)).map((path) => {
    const text = readFileSync(path, 'utf8');
    const imports = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3])!);
    return { path: relative(ROOT, path).split(sep).join('/'), text, lines: text.split('\n').length - 1, imports };
  });
}

/** The cycles among relative imports, each as the list of files on it. */
export function importCycles(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[][] = [];
  const visit = (path: string, trail: string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path]);
      return;
    }
    state.set(path, 'open');
    for (const target of relativeTargets(byPath, path)) visit(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of byPath.keys()) visit(path, []);
  return cycles;
}

function relativeTargets(byPath: ReadonlyMap<string, SourceFile>, path: string): string[] {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return byPath.get(path)!.imports.flatMap((specifier) => {
    if (!specifier.startsWith('.')) return [];
    const base = join(folder, specifier).split(sep).join('/');
    const found = [`${base}.ts`, `${base}/index.ts`, base].find((candidate) => byPath.has(candidate));
    return found === undefined ? [] : [found];
  });
}
