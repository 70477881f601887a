import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@ottla/runtime';
import { transformSync } from 'esbuild';
import { drawAmbushes } from '../src/faults/ambush/recipes';
import { KNOWN_SEEDS, MUTANTS, type SourceEdit, seedsOf } from '../src/mutants';

const ROOT = join(__dirname, '../../..');

/** A file's text with all of one mutant's edits. */
function edited(edits: readonly SourceEdit[], file: string): string {
  let text = readFileSync(join(ROOT, file), 'utf8');
  for (const { find, replace } of edits.filter((edit) => edit.file === file)) {
    expect({ find, occurrences: text.split(find).length - 1 }).toEqual({ find, occurrences: 1 });
    text = text.split(find).join(replace);
  }
  return text;
}

describe('the mutants', () => {
  it('each has a name of its own that can be typed', () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  it.each(MUTANTS)('$name says which invariant it breaks and what a user would lose', ({ invariant, loses }) => {
    expect(invariant).toMatch(/^[1-9] [a-z ]+$/);
    expect(loses).toMatch(/^[A-Z].*\.$/);
  });

  it.each(MUTANTS)("$name's edits apply to today's sources, once each, and leave TypeScript", ({ edits }) => {
    expect(edits.length).toBeGreaterThan(0);
    for (const file of new Set(edits.map((edit) => edit.file))) {
      expect(file).toMatch(/^packages\/(?!simulator\/)[a-z]+\/src\/.*\.ts$/);
      const text = edited(edits, file);
      expect(text).not.toBe(readFileSync(join(ROOT, file), 'utf8'));
      expect(transformSync(text, { loader: 'ts' }).code).not.toBe('');
    }
  });

  it.each(MUTANTS.filter(({ ambush }) => ambush !== undefined))(
    "$name's ambush is one that seeds have",
    ({ ambush }) => {
      const { first, period } = seedsOf(ambush!);
      const { ambushes } = drawAmbushes(new SeededRandom(1), first + 3 * period, 10_000, [1, 2, 3]);
      expect(ambushes[0]).toMatchObject({ name: ambush });
    },
  );

  it('seeds are remembered of mutants that there are', () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(Object.keys(KNOWN_SEEDS).filter((name) => !names.includes(name))).toEqual([]);
    expect(
      Object.values(KNOWN_SEEDS)
        .flat()
        .filter((seed) => !Number.isSafeInteger(seed) || seed < 0),
    ).toEqual([]);
  });
});
