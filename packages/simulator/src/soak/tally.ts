/** What a soak adds up of one run. */
export interface RunSummary {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** Something rare that a long enough soak must have met, or it has tested less than it claims. */
export interface RareThing {
  /** The counter's name in `RunResult.counters`. */
  readonly counter: string;
  readonly text: string;
  /** In so many seeds it must have happened at least once. */
  readonly withinSeeds: number;
}

export const RARE_THINGS: readonly RareThing[] = [
  { counter: 'elections', text: 'elections', withinSeeds: 10 },
  { counter: 'divergentTruncations', text: 'divergent truncations', withinSeeds: 100 },
  { counter: 'isrRacesLost', text: 'ISR races lost', withinSeeds: 100 },
  { counter: 'uncleanElections', text: 'unclean elections', withinSeeds: 100 },
  { counter: 'dedupeHits', text: 'dedupe hits', withinSeeds: 50 },
  { counter: 'fencings', text: 'fencings', withinSeeds: 20 },
];

/** Sums over the runs of a soak. */
export class Tally {
  seeds = 0;
  events = 0;
  virtualMs = 0;
  readonly counters = new Map<string, number>();

  add(run: RunSummary): void {
    this.seeds++;
    this.events += run.events;
    this.virtualMs += run.virtualMs;
    for (const [name, count] of Object.entries(run.counters)) {
      this.counters.set(name, (this.counters.get(name) ?? 0) + count);
    }
  }

  /** Those that should have happened in so many seeds, and never did. */
  neverHappened(things: readonly RareThing[] = RARE_THINGS): RareThing[] {
    return things.filter(
      ({ counter, withinSeeds }) => this.seeds >= withinSeeds && (this.counters.get(counter) ?? 0) === 0,
    );
  }

  /** Seeds, speed, and every counter, for people. */
  report(realMs: number): string[] {
    const seconds = Math.max(realMs, 1) / 1000;
    const lines = [
      `${count(this.seeds)} seeds in ${seconds.toFixed(1)} s: ${count(Math.round(this.events / seconds))} events per second, ` +
        `${count(Math.round(this.virtualMs / 1000))} virtual seconds`,
    ];
    const names = [...this.counters.keys()].sort();
    const width = Math.max(0, ...names.map((name) => name.length));
    for (const name of names) lines.push(`  ${name.padEnd(width)}  ${count(this.counters.get(name)!)}`);
    return lines;
  }
}

/** 1234567 as 1,234,567; not by locale, which differs between machines. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
