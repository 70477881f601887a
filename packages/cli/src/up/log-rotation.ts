import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';

/** A log file of this size begins anew; what it held becomes `<name>.1`, in place of what was there. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const CHECK_EVERY_MS = 10_000;

/**
 * Keeps a log file, with the one before it, within twice `maxBytes`, while a process appends to it through a descriptor of
 * its own: the file is copied and emptied, since another file under its name would get nothing. Returns how to stop.
 */
export function keepBounded(path: string, maxBytes = MAX_LOG_BYTES): () => void {
  const check = (): void => {
    try {
      rotateIfLarge(path, maxBytes);
    } catch (error) {
      process.stderr.write(`${path} can't be rotated: ${(error as Error).message}\n`);
    }
  };
  check();
  const timer = setInterval(check, CHECK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Whether it was. A line that is written in the instant between the copy's end and the cut is lost. */
export function rotateIfLarge(path: string, maxBytes: number): boolean {
  const log = openSync(path, 'a+');
  try {
    if (fstatSync(log).size <= maxBytes) return false;
    const draft = `${path}.1.tmp`;
    copyFileSync(path, draft);
    const copy = openSync(draft, 'r+');
    try {
      appendRest(log, copy);
      ftruncateSync(log, 0);
    } finally {
      closeSync(copy);
    }
    renameSync(draft, `${path}.1`);
    return true;
  } finally {
    closeSync(log);
  }
}

/** What was written while the copy was made. */
function appendRest(log: number, copy: number): void {
  const bytes = Buffer.alloc(64 * 1024);
  let at = fstatSync(copy).size;
  for (let read = readSync(log, bytes, 0, bytes.length, at); read > 0; ) {
    writeSync(copy, bytes, 0, read, at);
    at += read;
    read = readSync(log, bytes, 0, bytes.length, at);
  }
}
