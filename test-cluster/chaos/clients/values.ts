/** The value of a record says which it is, and has a length that goes with it. */
export function recordValue(sequence: number): string {
  return `${sequence}:${'x'.repeat((sequence * 7919) % 400)}`;
}

/** Null when the value is none of ours. */
export function sequenceOf(value: Buffer | string | null): number | null {
  const text = value === null ? '' : value.toString();
  const sequence = Number(/^(\d+):/.exec(text)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(sequence) && recordValue(sequence) === text ? sequence : null;
}
