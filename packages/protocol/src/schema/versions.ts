import { OttlaError } from '../errors';

/** A range of versions as text: `'3+'` (from 3 on), `'0-12'` (both ends included), `'4'` (only 4). */
export type VersionSpec = `${number}+` | `${number}-${number}` | `${number}`;

/** Both ends included. */
export interface VersionRange {
  readonly from: number;
  readonly to: number;
}

const SPEC = /^(\d+)(?:(\+)|-(\d+))?$/;

/** Parses a range; text that isn't one is a mistake in a declaration. */
export function parseVersions(spec: string): VersionRange {
  const match = SPEC.exec(spec);
  if (match === null) {
    throw new OttlaError('UNKNOWN_SERVER_ERROR', `"${spec}" is no version range; write "3+", "0-12" or "4"`);
  }
  const from = Number(match[1]);
  if (match[2] !== undefined) return { from, to: Number.POSITIVE_INFINITY };
  return { from, to: match[3] === undefined ? from : Number(match[3]) };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.from && version <= range.to;
}
