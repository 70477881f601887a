import { type Disk, type DiskOperation, MemoryDisk, type MemoryDiskImage, type Random } from '@ottla/runtime';
import type { Life } from '../process/life';
import type { SimTime } from '../time/sim-time';

/** How long a disk takes, in ms; each time is drawn between half of it and one and a half. */
export interface DiskSpeed {
  readonly writeMs: number;
  readonly syncMs: number;
  readonly readMs: number;
}

const DATA = '/data';
/** Where, in a batch, its length ends, and its checksum, which covers all behind. */
const LENGTH_END = 12;
const CRC_END = 21;
const BATCH_HEADER_BYTES = 61;
const INSTANT = Promise.resolve();

/** The disk of one machine. It outlives the processes that use it, one at a time. */
export class SimDisk {
  /** Multiplies all times. */
  slowness = 1;
  /** When something that had been written was lost, in virtual ms. */
  readonly losses: number[] = [];
  memory: MemoryDisk;
  private user: Life | null = null;

  constructor(
    private readonly time: SimTime,
    private readonly random: Random,
    private readonly speed: DiskSpeed,
    private readonly wall: () => number,
  ) {
    this.memory = this.fresh();
  }

  /** The disk for one process. */
  mount(life: Life): Disk {
    this.user = life;
    return this.memory.mount();
  }

  /** The process died: what it was writing may be there in part. */
  kill(): void {
    this.memory.kill();
  }

  /** The machine died: what wasn't synced may be lost, or torn. */
  crash(): void {
    this.losses.push(this.time.now());
    this.memory.crash();
  }

  /** Only so many bytes are left; null: as many as wanted. */
  limit(bytesLeft: number | null): void {
    this.memory.capacityBytes = bytesLeft === null ? Number.POSITIVE_INFINITY : this.memory.usedBytes + bytesLeft;
  }

  /** The disk is put back to an earlier state, while no process uses it. */
  putBack(image: MemoryDiskImage): void {
    this.losses.push(this.time.now());
    this.memory.restore(image);
  }

  /** The files of segments that are not written to any more. */
  oldSegments(): string[] {
    return this.memory.names(DATA).flatMap((folder) => {
      const logs = this.memory.names(`${DATA}/${folder}`).filter((name) => name.endsWith('.log'));
      return logs.slice(0, -1).map((name) => `${DATA}/${folder}/${name}`);
    });
  }

  /** One bit of a segment changes by itself, where a batch's checksum covers it: what it doesn't cover nobody could tell. */
  rot(path: string, where: number): void {
    const bytes = this.memory.peek(path) ?? new Uint8Array(0);
    const batches = batchesIn(bytes);
    const batch = batches[where % Math.max(1, batches.length)];
    if (batch === undefined) return;
    this.losses.push(this.time.now());
    const covered = batch.end - batch.start - CRC_END;
    this.memory.rot(path, batch.start + CRC_END + (where % covered), 1 << (where % 8));
  }

  /** Another disk is put in, with nothing on it. */
  replace(): void {
    this.losses.push(this.time.now());
    this.memory = this.fresh();
  }

  private fresh(): MemoryDisk {
    return new MemoryDisk({
      random: this.random,
      delay: (operation) => this.delay(operation),
      wall: this.wall,
    });
  }

  /** Most operations take no time unless the disk is slow: what matters is that writes and syncs do. */
  private delay(operation: DiskOperation): Promise<void> {
    const base = this.baseMs(operation) * this.slowness;
    const { user } = this;
    if (base === 0 || user === null) return INSTANT;
    const ms = base * (0.5 + this.random.below(1000) / 1000);
    return new Promise((resolve) => {
      this.time.after(ms, () => user.run(resolve));
    });
  }

  private baseMs(operation: DiskOperation): number {
    switch (operation) {
      case 'write':
        return this.speed.writeMs;
      case 'sync':
        return this.speed.syncMs;
      case 'read':
        return this.speed.readMs;
      default:
        return this.slowness > 1 ? this.speed.readMs : 0;
    }
  }
}

function batchesIn(bytes: Uint8Array): { start: number; end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: { start: number; end: number }[] = [];
  for (let start = 0; start + BATCH_HEADER_BYTES <= bytes.length; ) {
    const end = start + LENGTH_END + view.getInt32(start + LENGTH_END - 4);
    if (end > bytes.length || end < start + BATCH_HEADER_BYTES) break;
    found.push({ start, end });
    start = end;
  }
  return found;
}
