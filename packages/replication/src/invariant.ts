/** A replica found itself in a state that no sequence of inputs may lead to. Its host takes that replica offline. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';

  constructor(
    readonly topic: string,
    readonly partition: number,
    message: string,
  ) {
    super(`${topic}-${partition}: ${message}`);
  }
}

export type Invariant = (condition: boolean, message: string) => asserts condition;

/** The assertion of one partition: stays on in production. */
export function invariantOf(topic: string, partition: number): Invariant {
  return (condition, message) => {
    if (!condition) throw new InvariantViolation(topic, partition, message);
  };
}
