import type { BatchHeader } from '@ottla/protocol';
import { lastOffset, verifyBatch } from '@ottla/protocol';
import { type Disk, MemoryDisk, SeededRandom } from '@ottla/runtime';
import fc from 'fast-check';
import { PartitionLog } from '../src';
import { headersOf, makeBatch, NOW, options, readAll, smallSegments } from './batches';

/*
 * Random lives of a log against a model. The model knows every batch that was confirmed, in order, and how far the log
 * has been flushed. Whatever happens: no torn batch is served, what was confirmed is there after a kill, and what was
 * confirmed and synced is there after a crash of the machine.
 */

interface ModelBatch {
  header: BatchHeader;
  bytes: Uint8Array;
}

class Model {
  batches: ModelBatch[] = [];
  /** Appended, and not confirmed when the process died: they may be there, in order, or not. */
  inDoubt: ModelBatch[] = [];
  durable = 0;
  epoch = 0;
  sequences = new Map<number, number>();

  get end(): number {
    return this.batches.length === 0 ? 0 : lastOffset(this.batches.at(-1)!.header) + 1;
  }

  cut(offset: number): void {
    this.batches = this.batches.filter(({ header }) => lastOffset(header) < offset);
    this.durable = Math.min(this.durable, this.end);
  }
}

interface Life {
  disk: MemoryDisk;
  mount: Disk;
  log: PartitionLog;
  model: Model;
  /** As a directory would have them on disk. */
  recoveryPoint: number;
}

type Step = (life: Life) => Promise<void>;

async function open(life: Pick<Life, 'disk' | 'recoveryPoint'> & { clean: boolean }) {
  const mount = life.disk.mount();
  const holder = { recoveryPoint: life.recoveryPoint };
  const opened: { log: PartitionLog | null } = { log: null };
  const log = await PartitionLog.open(
    options({
      disk: mount,
      config: smallSegments,
      cleanShutdown: life.clean,
      recoveryPoint: life.recoveryPoint,
      checkpoint: async () => {
        holder.recoveryPoint = opened.log!.recoveryPoint;
        checkpointed.set(life.disk, holder.recoveryPoint);
      },
    }),
  );
  opened.log = log;
  return { mount, log };
}

/** Recovery points as written by `checkpoint`, by disk. */
const checkpointed = new WeakMap<MemoryDisk, number>();

async function reopen(life: Life, clean: boolean): Promise<void> {
  const opened = await open({ disk: life.disk, recoveryPoint: life.recoveryPoint, clean });
  life.mount = opened.mount;
  life.log = opened.log;
}

function nextBatches(model: Model, count: number, records: number): ModelBatch[] {
  const made: ModelBatch[] = [];
  let next = model.end;
  for (let n = 0; n < count; n++) {
    const producerId = (n + records) % 3;
    const sequence = model.sequences.get(producerId) ?? 0;
    const idempotent = producerId === 0 ? {} : { producerId, sequence };
    const { bytes, header } = makeBatch(next, {
      records,
      valueBytes: (records * 7 + n * 13) % 90,
      epoch: model.epoch,
      timestamp: NOW + next,
      ...idempotent,
    });
    model.sequences.set(producerId, sequence + records);
    made.push({ bytes, header });
    next += records;
  }
  return made;
}

const appendStep = fc
  .record({ count: fc.integer({ min: 1, max: 6 }), records: fc.integer({ min: 1, max: 4 }) })
  .map(({ count, records }): Step => {
    return async ({ log, model }) => {
      const batches = nextBatches(model, count, records);
      await Promise.all(batches.map(({ bytes, header }) => log.append(bytes, [header])));
      model.batches.push(...batches);
    };
  });

const truncateStep = fc.nat({ max: 99 }).map((percent): Step => {
  return async (life) => {
    const offset = Math.floor((life.model.end * percent) / 100);
    await life.log.truncate(offset);
    life.model.cut(offset);
    life.model.sequences.clear();
    life.model.epoch++;
    life.recoveryPoint = Math.min(life.recoveryPoint, checkpointed.get(life.disk) ?? 0);
  };
});

/** The disk takes a part of a write and fails; then everything in line fails, and the log goes on where it was. */
const failStep = fc.record({ writtenBytes: fc.nat({ max: 500 }), after: fc.nat({ max: 1 }) }).map((fault): Step => {
  return async ({ disk, log, model }) => {
    const before = model.end;
    disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.log', ...fault });
    const batches = nextBatches(model, 4, 2);
    const results = await Promise.allSettled(batches.map(({ bytes, header }) => log.append(bytes, [header])));
    disk.clearFaults();
    const failed = results.findIndex(({ status }) => status === 'rejected');
    for (const result of failed < 0 ? [] : results.slice(failed)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'KAFKA_STORAGE_ERROR' } });
      expect(String((result as PromiseRejectedResult).reason)).toContain('ENOSPC');
    }
    model.batches.push(...batches.slice(0, failed < 0 ? batches.length : failed));
    model.sequences.clear();
    model.epoch++;
    expect([log.failure, log.logEnd]).toEqual([null, model.end]);
    expect(model.end).toBeGreaterThanOrEqual(before);
  };
});

const flushStep = fc.constant<Step>(async (life) => {
  await life.log.flush();
  life.model.durable = life.model.end;
  life.recoveryPoint = life.log.recoveryPoint;
});

const cleanRestart = fc.constant<Step>(async (life) => {
  await life.log.close({ clean: true });
  life.model.durable = life.model.end;
  life.recoveryPoint = life.log.recoveryPoint;
  life.disk.crash();
  await reopen(life, true);
  expect(life.log.logEnd).toBe(life.model.end);
});

/** Dies with appends in flight. `reached`: whether the first of them had time. */
function die(how: 'kill' | 'crash') {
  return fc.record({ count: fc.nat({ max: 4 }), ticks: fc.nat({ max: 12 }) }).map(({ count, ticks }): Step => {
    return async (life) => {
      const { log, model, disk } = life;
      const batches = nextBatches(model, count, 2);
      const confirmed = new Set<ModelBatch>();
      for (const batch of batches) {
        log.append(batch.bytes, [batch.header]).then(
          () => confirmed.add(batch),
          () => {},
        );
      }
      for (let n = 0; n < ticks; n++) await Promise.resolve();
      model.batches.push(...batches.filter((batch) => confirmed.has(batch)));
      model.inDoubt = batches.filter((batch) => !confirmed.has(batch));
      disk[how]();
      await reopen(life, false);
      if (how === 'crash') settleCrash(life);
      else settleKill(life);
      model.inDoubt = [];
      model.sequences.clear();
      model.epoch++;
    };
  });
}

/** All that was confirmed is there, and perhaps the first few of what was in flight. */
function settleKill({ log, model }: Life): void {
  expect(log.logEnd).toBeGreaterThanOrEqual(model.end);
  for (const batch of model.inDoubt) if (lastOffset(batch.header) < log.logEnd) model.batches.push(batch);
  expect(log.logEnd).toBe(model.end);
}

/** All that was durable is there; of the rest a first part. */
function settleCrash(life: Life): void {
  const { log, model } = life;
  expect(log.logEnd).toBeGreaterThanOrEqual(model.durable);
  model.batches.push(...model.inDoubt);
  const ends = [0, ...model.batches.map(({ header }) => lastOffset(header) + 1)];
  expect(ends).toContain(log.logEnd);
  model.cut(log.logEnd);
  life.recoveryPoint = Math.min(life.recoveryPoint, log.logEnd);
}

async function check({ log, model }: Life): Promise<void> {
  const expected = Buffer.concat(model.batches.map(({ bytes }) => bytes));
  for (const maxBytes of [1, 400, 1 << 20]) {
    const served = await readAll(log, 0, maxBytes);
    expect(Buffer.compare(served, expected)).toBe(0);
  }
  let at = 0;
  for (const header of headersOf([expected])) {
    verifyBatch(expected, at, header);
    at += header.batchLength;
  }
  for (const { header } of model.batches) {
    const from = lastOffset(header);
    const { baseOffset, chunks } = await log.read(from, { maxBytes: 1, upTo: 1e9, atLeastOne: true });
    expect([from, baseOffset, headersOf(chunks)[0]!.baseOffset]).toEqual([from, header.baseOffset, header.baseOffset]);
  }
  expect(log.epochs.entries()).toEqual(epochsOf(model));
  expect(producersOf(log)).toEqual(expectedProducers(model));
}

function epochsOf(model: Model): { epoch: number; startOffset: number }[] {
  const entries: { epoch: number; startOffset: number }[] = [];
  for (const { header } of model.batches) {
    if (entries.at(-1)?.epoch === header.partitionLeaderEpoch) continue;
    entries.push({ epoch: header.partitionLeaderEpoch, startOffset: header.baseOffset });
  }
  return entries;
}

function producersOf(log: PartitionLog): [number, number[]][] {
  return log.producers
    .toSnapshot()
    .map(({ producerId, batches }): [number, number[]] => [producerId, batches.map(({ baseOffset }) => baseOffset)])
    .sort(([a], [b]) => a - b);
}

function expectedProducers({ batches }: Model): [number, number[]][] {
  const producers = new Map<number, number[]>();
  for (const { header } of batches) {
    if (header.producerId < 0) continue;
    producers.set(header.producerId, [...(producers.get(header.producerId) ?? []), header.baseOffset].slice(-5));
  }
  return [...producers].sort(([a], [b]) => a - b);
}

async function live(seed: number, steps: Step[]): Promise<void> {
  const disk = new MemoryDisk({ random: new SeededRandom(seed) });
  await disk.makeDir('/data');
  await disk.syncDir('/');
  const { mount, log } = await open({ disk, recoveryPoint: 0, clean: true });
  await log.syncFolder();
  const life: Life = { disk, mount, log, model: new Model(), recoveryPoint: 0 };
  for (const step of steps) {
    await step(life);
    await check(life);
  }
  await life.log.close({ clean: true });
  expect(disk.openFiles).toBe(0);
}

it('whatever happens, a log serves what was confirmed, whole, and loses nothing that was synced', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: appendStep },
    { weight: 1, arbitrary: truncateStep },
    { weight: 1, arbitrary: failStep },
    { weight: 1, arbitrary: flushStep },
    { weight: 1, arbitrary: cleanRestart },
    { weight: 1, arbitrary: die('kill') },
    { weight: 1, arbitrary: die('crash') },
  );
  const property = fc.asyncProperty(fc.integer(), fc.array(step, { minLength: 1, maxLength: 25 }), live);
  await fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? 60) });
}, 60_000);
