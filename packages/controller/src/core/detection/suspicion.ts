import type { BrokerRegistration, Versioned } from '@ottla/metadata';

/**
 * Remembers which processes were taken for dead because a connection was refused. One that registers again in the same
 * run was not dead: from then on refusals don't count against it for a while, only silence does.
 */
export class Suspicion {
  /** By run: the create revision of the registration that was to be deleted. */
  readonly #guesses = new Map<string, { readonly createRevision: number; readonly at: number }>();
  readonly #distrustedUntil = new Map<string, number>();

  constructor(readonly distrustMs: number) {}

  /**
   * The run is being fenced, or deposed as controller, because a connection was refused. To be said before the store is
   * asked, whose answer may not arrive.
   */
  guessedDead(run: string, createRevision: number, now: number): void {
    this.#expire(now);
    this.#guesses.set(run, { createRevision, at: now });
  }

  /** True when this registration shows that its run was wrongly taken for dead. */
  onRegistered(registration: Versioned<BrokerRegistration>, now: number): boolean {
    const { run } = registration.value;
    const guess = this.#guesses.get(run);
    if (guess === undefined || registration.createRevision <= guess.createRevision) return false;
    this.#guesses.delete(run);
    this.#distrustedUntil.set(run, now + this.distrustMs);
    return true;
  }

  /** Whether a refused connection may be taken for the death of the run. */
  refusalCounts(run: string, now: number): boolean {
    return now >= (this.#distrustedUntil.get(run) ?? Number.NEGATIVE_INFINITY);
  }

  #expire(now: number): void {
    for (const [run, guess] of this.#guesses) if (now - guess.at >= this.distrustMs) this.#guesses.delete(run);
    for (const [run, until] of this.#distrustedUntil) if (now >= until) this.#distrustedUntil.delete(run);
  }
}
