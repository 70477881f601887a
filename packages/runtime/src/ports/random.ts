/** The only source of randomness. */
export interface Random {
  /** A version 4 UUID in its canonical form of 36 characters. */
  uuid(): string;
  bytes(count: number): Uint8Array;
  /** A whole number in [0, bound). */
  below(bound: number): number;
}
