/** Resolves when no microtask is left. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
