import { MemoryDisk, nodeCodecs } from '@ottla/runtime';
import { PartitionLog, type PartitionLogOptions } from '../src';
import { append, headersOf, NOW, options, readAll, smallSegments } from './batches';
import { DISKS } from './disks';

const readOptions = { maxBytes: 1 << 20, upTo: Number.MAX_SAFE_INTEGER, atLeastOne: true };

/** 40 batches of three records, epochs 0 to 3, one producer. */
async function fill(log: PartitionLog): Promise<void> {
  for (let n = 0; n < 40; n++) {
    const epoch = Math.floor(n / 10);
    await append(log, { records: 3, valueBytes: 60, epoch, producerId: 7, sequence: n * 3, timestamp: NOW + n });
  }
}

async function filled(change: Partial<PartitionLogOptions> = {}) {
  const disk = new MemoryDisk();
  const log = await PartitionLog.open(options({ disk, config: smallSegments, ...change }));
  await fill(log);
  return { disk, log };
}

const segmentsOn = async (disk: PartitionLogOptions['disk'], dir = '/data/orders-0') =>
  (await disk.list(dir))
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);

describe.each(DISKS)('advancing the log start (%s)', (_disk, make) => {
  const starts: [string, number, number, number][] = [
    ['to the base of a batch', 60, 60, 60],
    ['inside a batch, which is kept', 62, 62, 60],
    ['inside the last batch', 118, 118, 117],
    ['to the end', 120, 120, 120],
    ['behind the end, which means to the end', 500, 120, 120],
    ['inside the first batch', 1, 1, 0],
  ];
  it.each(starts)('%s (offset %i): start %i, first batch %i, also after a restart', async (_name, to, start, first) => {
    const { disk, root } = make();
    const place = { disk, dir: `${root}/orders-0`, config: smallSegments };
    const log = await PartitionLog.open(options(place));
    await fill(log);
    const before = await readAll(log);
    expect(await log.advanceStart(to)).toEqual({ logStart: start, firstBatchOffset: first });
    expect([log.logStart, log.firstBatchOffset, log.logEnd]).toEqual([start, first, 120]);
    const kept = first === 120 ? new Uint8Array(0) : await readAll(log, first);
    expect(Buffer.compare(kept, before.subarray(before.length - kept.length))).toBe(0);
    expect(headersOf([kept])).toHaveLength((120 - first) / 3);
    if (first > 0)
      await expect(log.read(first - 1, readOptions)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect(log.epochs.entries()[0]!.startOffset).toBe(first);
    const bases = await segmentsOn(disk, place.dir);
    expect(bases.filter((_base, n) => (bases[n + 1] ?? Number.POSITIVE_INFINITY) <= first)).toEqual([]);

    for (const clean of [false, true]) {
      const current = clean ? await PartitionLog.open(options({ ...place, logStart: start })) : log;
      await append(current, { records: 1, epoch: 9 });
      await current.close({ clean });
      const again = await PartitionLog.open(options({ ...place, logStart: start, cleanShutdown: clean }));
      expect([again.logStart, again.firstBatchOffset, again.logEnd]).toEqual([start, first, clean ? 122 : 121]);
      expect(Buffer.compare((await readAll(again, first)).subarray(0, kept.length), kept)).toBe(0);
      expect(again.producers.toSnapshot()[0]?.batches.at(-1)?.lastSequence).toBe(119);
      await again.close({ clean: false });
    }
  });
});

it('goes only forward', async () => {
  const { log } = await filled();
  await log.advanceStart(62);
  expect(await log.advanceStart(10)).toEqual({ logStart: 62, firstBatchOffset: 60 });
});

it('what cannot be made durable is not deleted, and can be asked for again', async () => {
  let full = true;
  const checkpoint = async () => {
    if (full) throw new Error('ENOSPC');
  };
  const { disk, log } = await filled({ checkpoint });
  const before = await segmentsOn(disk);
  await expect(log.advanceStart(62)).rejects.toThrow('ENOSPC');
  expect([log.logStart, log.firstBatchOffset]).toEqual([0, 0]);
  expect(await segmentsOn(disk)).toEqual(before);
  full = false;
  expect(await log.advanceStart(62)).toEqual({ logStart: 62, firstBatchOffset: 60 });
});

it('a deletion that was cut short is finished at the next open, whatever it left', async () => {
  const { disk, log } = await filled();
  await log.close({ clean: false });
  const [, second, third] = await segmentsOn(disk);
  // The first was not removed yet, the second was: the log must not end in the gap between the two.
  await disk.removeFile(`/data/orders-0/${String(second).padStart(20, '0')}.log`);
  const again = await PartitionLog.open(options({ disk, config: smallSegments, logStart: third! }));
  expect([again.logStart, again.logEnd]).toEqual([third, 120]);
  expect((await segmentsOn(disk))[0]).toBe(third);
});

it('a reader of a segment that goes meanwhile is told that its offset is out of range', async () => {
  const { log } = await filled();
  const [read] = await Promise.allSettled([log.read(0, { ...readOptions, maxBytes: 100_000 }), log.advanceStart(90)]);
  if (read.status === 'rejected') expect(read.reason).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  await expect(log.read(0, readOptions)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
});

it('a timestamp is not looked up below a log start that lies inside a batch', async () => {
  const { log } = await filled();
  await log.advanceStart(62);
  expect(await log.offsetForTimestamp(0, nodeCodecs)).toMatchObject({ offset: 62 });
});

it('truncating into the batch of the log start lowers the log start with it', async () => {
  const { log } = await filled();
  await log.advanceStart(62);
  await log.truncate(61);
  expect([log.logStart, log.firstBatchOffset, log.logEnd]).toEqual([60, 60, 60]);
});
