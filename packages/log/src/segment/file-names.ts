/** The files of a segment are named after its base offset, 20 digits. */
export type SegmentSuffix = 'log' | 'index' | 'timeindex' | 'snapshot';

const SEGMENT_FILE = /^(\d{20})\.(log|index|timeindex|snapshot)$/;

export function segmentFileName(baseOffset: number, suffix: SegmentSuffix): string {
  return `${String(baseOffset).padStart(20, '0')}.${suffix}`;
}

export function parseSegmentFileName(name: string): { baseOffset: number; suffix: SegmentSuffix } | null {
  const match = SEGMENT_FILE.exec(name);
  return match === null ? null : { baseOffset: Number(match[1]), suffix: match[2] as SegmentSuffix };
}

/** What a process that died may leave of a file it was replacing. */
export function isDraft(name: string): boolean {
  return name.endsWith('.tmp');
}
