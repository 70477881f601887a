/** A change of one production source file, made while the simulator is bundled. */
export interface SourceEdit {
  /** From the repository's root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A known mistake of replicated logs, as the edits that make it in the production sources. */
export interface Mutant {
  /** As in `npm run sim -- --seed N --mutant NAME`. */
  readonly name: string;
  /** What breaks: the number of an invariant in docs/ARCHITECTURE.md and a word for it. */
  readonly invariant: string;
  /** What it would have cost a user. */
  readonly loses: string;
  readonly edits: readonly SourceEdit[];
  /**
   * The ambush (packages/simulator/src/faults/ambush/recipes.ts) that brings about what it takes. It is looked for in
   * seeds that have it; absent: in any.
   */
  readonly ambush?: string;
}
