/** How the store behaves, for all brokers. */
export interface StoreHabits {
  /** Time until an answer to a write may be given, ms. */
  readonly syncMs: number;
  /** Headers of a catch-up carry the newest revision, as etcd's do. */
  readonly newestInHeaders: boolean;
  /** Revisions in one response of a catch-up, and the time between two responses, ms. */
  readonly chunk: number;
  readonly chunkPauseMs: number;
  /** After a stall leases get their full time again; otherwise those that ran out meanwhile end at once. */
  readonly forgivesStalls: boolean;
}

/** What goes wrong with the store as one broker sees it. */
export interface StoreTroubles {
  /** Transactions carried out whose answers are lost, with the connection. */
  lostAnswers: number;
  /** Events come so much later, ms. */
  watchDelayMs: number;
  /** Catch-ups that break after their first response. */
  cutCatchUps: number;
}
