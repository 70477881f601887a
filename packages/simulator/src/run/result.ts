/** What one run is made of, and how it is told about. */
export interface RunOptions {
  /** A whole number in [0, 2^53]. Everything in the run follows from it. */
  readonly seed: number;
  /** The known mistake that this bundle was built with; only for the record. */
  readonly mutant?: string;
  /** Called with every line of the trace. */
  readonly trace?: (line: string) => void;
  /** Numbers of planned items that are left out: see `PlannedItem.index`. */
  readonly omit?: ReadonlySet<number>;
  /** Length of the fault phase in virtual milliseconds; drawn from the seed when absent. */
  readonly faultMs?: number;
}

/** Something that must always hold and didn't. */
export interface Violation {
  /** For example `3 acknowledged`: the number of the invariant in docs/ARCHITECTURE.md and a word for it. */
  readonly invariant: string;
  /** Virtual milliseconds since the run began. */
  readonly at: number;
  readonly message: string;
}

/** A fault or an actor of the workload, as drawn from the seed. */
export interface PlannedItem {
  /** What `omit` names it by. Leaving one out changes neither the others nor their numbers: faults count from 0, actors from 1000. */
  readonly index: number;
  /** `kill`, `machine-crash`, `cut`, `producer`, ... */
  readonly kind: string;
  /** One line for people. */
  readonly text: string;
}

export interface RunResult {
  readonly seed: number;
  /** SHA-256, in hexadecimal, over every line of the trace. */
  readonly digest: string;
  readonly violations: readonly Violation[];
  /** Events that the timeline ran. */
  readonly events: number;
  readonly virtualMs: number;
  /** How often rare things happened. */
  readonly counters: Readonly<Record<string, number>>;
  readonly plan: readonly PlannedItem[];
}
