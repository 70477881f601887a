import type { Change } from './requests';

export interface Commit {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** The changes of each revision from the oldest kept one on, without gaps. */
export class History {
  #commits: Commit[] = [];
  #changes = 0;
  /** Revision of `#commits[0]`. */
  #first = 2;

  /** Oldest revision whose changes are known. */
  get first(): number {
    return this.#first;
  }

  /** Changes kept, of all revisions together. */
  get changeCount(): number {
    return this.#changes;
  }

  append(commit: Commit): void {
    if (this.#commits.length === 0) this.#first = commit.revision;
    else if (commit.revision !== this.#first + this.#commits.length) {
      throw new Error(`history: revision ${commit.revision} doesn't follow ${this.#first + this.#commits.length - 1}`);
    }
    this.#commits.push(commit);
    this.#changes += commit.changes.length;
  }

  at(revision: number): Commit | undefined {
    return this.#commits[revision - this.#first];
  }

  /** Commits from a revision on. */
  *from(revision: number): Generator<Commit> {
    for (let at = Math.max(0, revision - this.#first); at < this.#commits.length; at++) yield this.#commits[at]!;
  }

  /** The oldest revision from which on at most `changes` are kept; the newest one whatever it holds. */
  revisionKeeping(changes: number): number {
    let at = this.#commits.length - 1;
    for (let kept = this.#commits[at]?.changes.length ?? 0; at > 0; at--) {
      kept += this.#commits[at - 1]!.changes.length;
      if (kept > changes) break;
    }
    return this.#first + Math.max(at, 0);
  }

  /** Forgets the revisions below. */
  compact(revision: number): void {
    if (revision <= this.#first) return;
    const removed = this.#commits.splice(0, revision - this.#first);
    for (const commit of removed) this.#changes -= commit.changes.length;
    this.#first = revision;
  }
}
