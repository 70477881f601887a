import { dirname } from 'node:path';
import type { Disk, DiskFile, Logger } from '@ottla/runtime';
import type { MachineRecord } from '../../machine/requests';
import type { MachineSnapshot, StoreMachine } from '../../machine/store-machine';
import { encodeFrame, encodeHeader, HEADER_BYTES } from './frame';
import { encodeRecords, encodeSnapshot } from './record-codec';
import { fileNumbers, logName, recover, snapshotName } from './recovery';

export interface JournalOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly logger: Logger;
  /** Identifies a store that doesn't exist yet: 16 hexadecimal digits. */
  readonly newStoreId: string;
  /** Monotonic ms, from which recovered leases have their full TTL. */
  readonly now: number;
}

/**
 * The store on disk: `snapshot-N`, and the logs from `log-N` on, which hold every record since. One writer; after a
 * failure nothing more may be appended, because what the disk holds is unknown.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly storeId: string;
  #number: number;
  #sequence: number;
  #file: DiskFile;
  #bytes: number;
  #snapshotBytes: number;

  private constructor(options: JournalOptions, storeId: string, state: JournalState) {
    this.#options = options;
    this.storeId = storeId;
    this.#number = state.number;
    this.#sequence = state.sequence;
    this.#file = state.file;
    this.#bytes = state.bytes;
    this.#snapshotBytes = state.snapshotBytes;
  }

  /** Recovers what the directory holds, or begins a new store in it; cuts a torn tail. */
  static async open(options: JournalOptions): Promise<{ journal: Journal; machine: StoreMachine }> {
    const { disk, dir, logger, now } = options;
    await disk.makeDir(dir);
    await disk.syncDir(dirname(dir));
    const { machine, storeId: known, sequence, log, snapshotBytes } = await recover(disk, dir, logger, now);
    const storeId = known ?? options.newStoreId;
    const file = await openLog(disk, dir, log.number, log.bytes, storeId);
    const bytes = Math.max(log.bytes, HEADER_BYTES);
    const journal = new Journal(options, storeId, { number: log.number, sequence, file, bytes, snapshotBytes });
    await journal.#removeOlder(snapshotBytes === 0 ? 1 : await newestSnapshot(disk, dir));
    return { journal, machine };
  }

  /** Bytes of the current log. */
  get logBytes(): number {
    return this.#bytes;
  }

  /** Bytes of the snapshot that the log follows; 0 without one. */
  get snapshotBytes(): number {
    return this.#snapshotBytes;
  }

  /** Appends the records as one frame; they are durable when it resolves. */
  async append(records: readonly MachineRecord[]): Promise<void> {
    const frame = encodeFrame(this.#sequence + 1, encodeRecords(records));
    await this.#file.write([frame], this.#bytes);
    await this.#file.sync();
    this.#sequence++;
    this.#bytes += frame.length;
  }

  /** Goes on in a new log. What was appended before is what the snapshot given to `replaceLogs` holds. */
  async startLog(): Promise<void> {
    const { disk, dir } = this.#options;
    const file = await openLog(disk, dir, this.#number + 1, 0, this.storeId);
    await this.#file.close();
    this.#number++;
    this.#file = file;
    this.#bytes = HEADER_BYTES;
  }

  /** What identifies the place in the journal where the current log begins. */
  get position(): { readonly number: number; readonly sequence: number } {
    return { number: this.#number, sequence: this.#sequence };
  }

  /** Writes the snapshot of the state at `position`, and removes the logs that it makes superfluous. */
  async replaceLogs(snapshot: MachineSnapshot, position: { number: number; sequence: number }): Promise<void> {
    const { disk, dir } = this.#options;
    const header = encodeHeader('snapshot', this.storeId);
    const frame = encodeFrame(position.sequence, encodeSnapshot(snapshot));
    const bytes = Buffer.concat([header, frame]);
    await disk.writeFileAtomic(`${dir}/${snapshotName(position.number)}`, bytes);
    this.#snapshotBytes = bytes.length;
    await this.#removeOlder(position.number);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #removeOlder(number: number): Promise<void> {
    const { disk, dir } = this.#options;
    for (const old of await fileNumbers(disk, dir, 'log')) {
      if (old < number) await disk.removeFile(`${dir}/${logName(old)}`);
    }
    for (const old of await fileNumbers(disk, dir, 'snapshot')) {
      if (old < number) await disk.removeFile(`${dir}/${snapshotName(old)}`);
    }
  }
}

interface JournalState {
  readonly number: number;
  readonly sequence: number;
  readonly file: DiskFile;
  readonly bytes: number;
  readonly snapshotBytes: number;
}

async function newestSnapshot(disk: Disk, dir: string): Promise<number> {
  return (await fileNumbers(disk, dir, 'snapshot')).at(-1) ?? 1;
}

/** Opens a log to append behind its good bytes; with none it's made anew. */
async function openLog(disk: Disk, dir: string, number: number, good: number, storeId: string): Promise<DiskFile> {
  const file = await disk.open(`${dir}/${logName(number)}`, 'create');
  try {
    if (good > 0 && (await file.size()) === good) return file;
    await file.truncate(good);
    if (good === 0) await file.write([encodeHeader('log', storeId)], 0);
    await file.sync();
    if (good === 0) await disk.syncDir(dir);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
