import { OttlaError } from '@ottla/protocol';
import type { Disk, Logger } from '@ottla/runtime';
import type { MachineSnapshot } from '../../machine/store-machine';
import { StoreMachine } from '../../machine/store-machine';
import { decodeFrame, decodeHeader, type FileKind, findLaterFrame, HEADER_BYTES } from './frame';
import { decodeRecords, decodeSnapshot } from './record-codec';

export interface Recovered {
  readonly machine: StoreMachine;
  /** Null for a directory without a store. */
  readonly storeId: string | null;
  /** Sequence of the last frame. */
  readonly sequence: number;
  /** Number of the log to go on with, and how much of it is good; 0 bytes when not even its header is. */
  readonly log: { readonly number: number; readonly bytes: number };
  readonly snapshotBytes: number;
}

interface Progress {
  machine: StoreMachine;
  storeId: string | null;
  sequence: number;
}

export function logName(number: number): string {
  return `log-${String(number).padStart(10, '0')}`;
}

export function snapshotName(number: number): string {
  return `snapshot-${String(number).padStart(10, '0')}`;
}

/** Numbers of the directory's files of a kind, ascending. */
export async function fileNumbers(disk: Disk, dir: string, kind: FileKind): Promise<number[]> {
  const pattern = new RegExp(`^${kind}-(\\d{10})$`);
  const names = await disk.list(dir);
  return names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
}

/** Builds the machine from the newest snapshot and the logs from it on. Changes nothing on disk. */
export async function recover(disk: Disk, dir: string, logger: Logger, now: number): Promise<Recovered> {
  const snapshot = (await fileNumbers(disk, dir, 'snapshot')).at(-1) ?? null;
  const first = snapshot ?? 1;
  const logs = (await fileNumbers(disk, dir, 'log')).filter((number) => number >= first);
  checkNumbers(dir, first, snapshot, logs);
  const progress: Progress = { machine: new StoreMachine(), storeId: null, sequence: 0 };
  const snapshotBytes = snapshot === null ? 0 : await readSnapshot(disk, dir, snapshot, progress, now);
  let bytes = 0;
  for (const number of logs) {
    bytes = await readLog({ disk, dir, logger, number, last: number === logs.at(-1) }, progress, now);
  }
  progress.machine.restartLeases(now);
  return { ...progress, log: { number: logs.at(-1) ?? first, bytes }, snapshotBytes };
}

function checkNumbers(dir: string, first: number, snapshot: number | null, logs: readonly number[]): void {
  logs.forEach((number, index) => {
    if (number !== first + index) throw damaged(`${dir}/${logName(first + index)}`, 'is missing');
  });
  if (snapshot !== null && logs.length === 0) throw damaged(`${dir}/${logName(first)}`, 'is missing');
}

async function readSnapshot(disk: Disk, dir: string, number: number, progress: Progress, now: number): Promise<number> {
  const path = `${dir}/${snapshotName(number)}`;
  const bytes = (await disk.readFile(path)) ?? new Uint8Array();
  const storeId = readHeader(bytes, 'snapshot', path);
  const frame = decodeFrame(bytes, HEADER_BYTES);
  if (storeId === null || frame === null) throw damaged(path, 'does not hold a whole snapshot');
  const snapshot: MachineSnapshot = decoded(path, () => decodeSnapshot(frame.payload));
  progress.machine = decoded(path, () => StoreMachine.fromSnapshot(snapshot, now));
  progress.storeId = storeId;
  progress.sequence = frame.sequence;
  return bytes.length;
}

interface LogFile {
  readonly disk: Disk;
  readonly dir: string;
  readonly logger: Logger;
  readonly number: number;
  readonly last: boolean;
}

/** @returns how many bytes of the file are good. */
async function readLog(file: LogFile, progress: Progress, now: number): Promise<number> {
  const path = `${file.dir}/${logName(file.number)}`;
  const bytes = (await file.disk.readFile(path)) ?? new Uint8Array();
  const storeId = readHeader(bytes, 'log', path);
  if (storeId !== null && storeId !== (progress.storeId ?? storeId)) throw damaged(path, 'belongs to another store');
  progress.storeId = storeId ?? progress.storeId;
  let good = storeId === null ? 0 : HEADER_BYTES;
  for (let frame = good === 0 ? null : decodeFrame(bytes, good); frame !== null; frame = decodeFrame(bytes, good)) {
    if (frame.sequence !== progress.sequence + 1) {
      throw damaged(path, `has frame ${frame.sequence} at byte ${good}, where ${progress.sequence + 1} belongs`);
    }
    const { payload } = frame;
    decoded(path, () => {
      for (const record of decodeRecords(payload)) progress.machine.replay(record, now);
    });
    progress.sequence = frame.sequence;
    good = frame.end;
  }
  checkTail(file, path, bytes, good, progress.sequence);
  return good;
}

/**
 * Only what was being written at the time of a crash may be damaged: the last frame, which nobody was told of. Anything
 * whole behind it means that acknowledged changes are damaged.
 */
function checkTail(file: LogFile, path: string, bytes: Uint8Array, good: number, sequence: number): void {
  const later = findLaterFrame(bytes, good - 1, sequence);
  if (later >= 0) throw damaged(path, `is damaged from byte ${good} on, before whole changes at byte ${later}`);
  if (good === bytes.length && good > 0) return;
  if (!file.last) throw damaged(path, `is damaged from byte ${good} on, before a later log`);
  if (bytes.length > 0) {
    file.logger.warn('store log: cutting an unfinished write off its end', { path, from: good, bytes: bytes.length });
  }
}

function readHeader(bytes: Uint8Array, kind: FileKind, path: string): string | null {
  return decoded(path, () => decodeHeader(bytes, kind));
}

function decoded<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw damaged(path, `can't be read: ${(error as Error).message}`, error);
  }
}

function damaged(path: string, what: string, cause?: unknown): OttlaError {
  return new OttlaError(
    'KAFKA_STORAGE_ERROR',
    `metadata store: ${path} ${what}. Restore the directory from a backup, or move it away to begin with an empty store`,
    { cause },
  );
}
