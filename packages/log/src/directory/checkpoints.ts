import { type Disk, type Logger, SerialQueue } from '@ottla/runtime';
import {
  encodePartitionOffsets,
  type PartitionOffsets,
  partitionKey,
  readPartitionOffsets,
} from '../files/offset-checkpoint';

export type CheckpointName = 'recovery-points' | 'high-watermarks' | 'log-start-offsets';

const NAMES: readonly CheckpointName[] = ['recovery-points', 'high-watermarks', 'log-start-offsets'];

/** The directory's three checkpoint files, each an offset a partition. */
export class Checkpoints {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #offsets: Record<CheckpointName, PartitionOffsets>;
  readonly #written = new Map<CheckpointName, string>();
  readonly #queue = new SerialQueue({ name: 'checkpoints', capacity: 4 });
  #waiting: Promise<void> | null = null;

  private constructor(disk: Disk, dir: string, offsets: Record<CheckpointName, PartitionOffsets>) {
    this.#disk = disk;
    this.#dir = dir;
    this.#offsets = offsets;
  }

  /** A file that is damaged counts as empty: zero is safe for each of the three, and only costs time. */
  static async load(disk: Disk, dir: string, logger: Logger): Promise<Checkpoints> {
    const read = async (name: CheckpointName): Promise<PartitionOffsets> => {
      try {
        return await readPartitionOffsets(disk, `${dir}/${name}`);
      } catch (error) {
        logger.warn(`starting without ${name}`, { error });
        return new Map();
      }
    };
    return new Checkpoints(disk, dir, {
      'recovery-points': await read('recovery-points'),
      'high-watermarks': await read('high-watermarks'),
      'log-start-offsets': await read('log-start-offsets'),
    });
  }

  /** 0 when nothing is known. */
  get(name: CheckpointName, topic: string, partition: number): number {
    return this.#offsets[name].get(partitionKey(topic, partition))?.offset ?? 0;
  }

  set(name: CheckpointName, topic: string, partition: number, offset: number): void {
    this.#offsets[name].set(partitionKey(topic, partition), { topic, partition, offset });
  }

  /** Forgets a partition; whether anything was known of it. */
  forget(topic: string, partition: number): boolean {
    const key = partitionKey(topic, partition);
    return NAMES.map((name) => this.#offsets[name].delete(key)).includes(true);
  }

  /** Writes the files that changed, after `collect` has brought the offsets up to date. Calls that come together share a write. */
  write(collect: () => void): Promise<void> {
    this.#waiting ??= this.#queue.run(async () => {
      // Not before the assignment above: what is set later must not be taken for written.
      await Promise.resolve();
      this.#waiting = null;
      collect();
      for (const name of NAMES) await this.#writeFile(name);
    });
    return this.#waiting;
  }

  async #writeFile(name: CheckpointName): Promise<void> {
    const bytes = encodePartitionOffsets(this.#offsets[name]);
    const content = new TextDecoder().decode(bytes);
    if (this.#written.get(name) === content) return;
    await this.#disk.writeFileAtomic(`${this.#dir}/${name}`, bytes);
    this.#written.set(name, content);
  }
}
