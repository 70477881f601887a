import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes';

const SHORTEST_LINE = 80;
const LONGEST_LINE = 200_000;
const NEWLINE = 0x0a;

/**
 * Writes a file of at least `bytes` from sources that are installed anyway: real text of many line lengths, without short
 * lines (kcat drops empty ones, and clients take long over many) and without a line near the largest batch.
 */
export function writeCorpus(path: string, bytes: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  while (size < bytes) {
    const before = size;
    for (const file of sourceFiles(join(ROOT, 'node_modules'))) {
      if (size >= bytes) break;
      const part = longLines(readFileSync(file));
      parts.push(part);
      size += part.length;
    }
    if (size === before) throw new Error('no source files found below node_modules; run npm ci');
  }
  const corpus = Buffer.concat(parts);
  writeFileSync(path, corpus);
  return corpus;
}

function* sourceFiles(folder: string): Generator<string> {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      if (name !== '.bin' && name !== '@ottla') yield* sourceFiles(path);
    } else if (/\.(js|ts|md)$/.test(name) && stat.size > 0) yield path;
  }
}

function longLines(content: Buffer): Buffer {
  const lines: Buffer[] = [];
  for (let from = 0; from < content.length; ) {
    const found = content.indexOf(NEWLINE, from);
    const end = found === -1 ? content.length : found;
    if (end - from >= SHORTEST_LINE && end - from < LONGEST_LINE)
      lines.push(content.subarray(from, end), Buffer.of(NEWLINE));
    from = end + 1;
  }
  return Buffer.concat(lines);
}
