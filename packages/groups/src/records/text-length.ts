/**
 * Longest text, in characters, that goes into a record. Flexible versions of requests carry strings of any length, records
 * of at most 32,767 bytes; a character is at most three, and a member id adds a UUID to its text.
 */
const MAX_CHARACTERS = 10_000;

export function fitsRecord(text: string | null): boolean {
  return text === null || text.length <= MAX_CHARACTERS;
}
