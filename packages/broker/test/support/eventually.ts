/** Waits until the condition holds, looking again each turn of the event loop. Fails after `limitMs`. */
export async function eventually(condition: () => boolean, what: string, limitMs = 2_000): Promise<void> {
  const until = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > until) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
