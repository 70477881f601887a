import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is neither null, undefined nor false, and gives it. A throw counts as "not yet".
 * @throws after `deadlineMs`, naming what was waited for and the last answer or error.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 20_000,
  intervalMs = 25,
): Promise<Exclude<Awaited<T>, null | undefined | false>> {
  const deadline = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer as never;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms for ${what}; last: ${String(last)}`);
    await sleep(intervalMs);
  }
}
