/** A callback that has been scheduled and not yet run. */
export interface Timer {
  /** Keeps the callback from running; does nothing once it ran. */
  cancel(): void;
}

/** The only source of time. All values are milliseconds. */
export interface Clock {
  /** Wall time since the Unix epoch, whole milliseconds. It may jump; never measure a duration with it. */
  wall(): number;
  /** Monotonic time since an arbitrary origin, fractional. Deadlines and durations use this. */
  now(): number;
  /** Runs `callback` once, at least `delayMs` later. A delay at or below zero means as soon as possible. */
  after(delayMs: number, callback: () => void): Timer;
  /** Resolves at least `delayMs` later; rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
