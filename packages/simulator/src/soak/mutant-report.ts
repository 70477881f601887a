import type { Violation } from '../run/result';

/** How the search for one mutant ended. */
export interface MutantOutcome {
  readonly name: string;
  readonly invariant: string;
  readonly loses: string;
  /** The seed that finds it; null when it survived. */
  readonly seed: number | null;
  /** Seeds that were run with the mutant, the finding one included. */
  readonly seeds: number;
  /** Virtual milliseconds of those runs, up to the first violation. */
  readonly virtualMs: number;
  /** Real milliseconds of the search. */
  readonly realMs: number;
  /** What the simulator said first; null when the mutant survived. */
  readonly violation: Violation | null;
}

/** The command that replays a run. */
export function replayCommand(seed: number, mutant: string | null, omit = ''): string {
  const options = [`--seed ${seed}`, mutant === null ? '' : `--mutant ${mutant}`, omit === '' ? '' : `--omit ${omit}`];
  return `npm run sim -- ${options.filter((option) => option !== '').join(' ')}`;
}

/** One line of `npm run sim:mutants`. */
export function outcomeLine({ name, seed, seeds, virtualMs, realMs }: MutantOutcome): string {
  if (seed === null) return `${name} survived ${seeds} seeds, ${seconds(virtualMs)} virtual s, ${seconds(realMs)} s`;
  const effort = `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, ${seconds(virtualMs)} virtual s, ${seconds(realMs)} s`;
  return `${name} found after ${effort} : ${replayCommand(seed, name)}`;
}

/** The table of docs/RELIABILITY.md. */
export function outcomeTable(outcomes: readonly MutantOutcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { name, loses, invariant, violation, seed, seeds, virtualMs, realMs } = outcome;
    const seen = violation === null ? 'survived' : violation.invariant;
    const found = seed === null ? '' : `${seed}`;
    return [`\`${name}\``, invariant, seen, loses, found, seeds, seconds(virtualMs), seconds(realMs)].join(' | ');
  });
  const head =
    'mutant | invariant broken | first seen by | what a user would lose | seed | seeds tried | virtual s | real s';
  return [head, '--- | --- | --- | --- | ---: | ---: | ---: | ---:', ...rows].map((row) => `| ${row} |\n`).join('');
}

/** `text` with what lies between the markers of the mutants' table replaced; null when it has none. */
export function withTable(text: string, table: string): string | null {
  const [begin, end] = ['<!-- mutants -->', '<!-- /mutants -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) return null;
  return `${text.slice(0, from + begin.length)}\n${table}${text.slice(to)}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
