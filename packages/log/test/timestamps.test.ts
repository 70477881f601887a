import { setLogAppendTime } from '@ottla/protocol';
import { type CompressionName, MemoryDisk, nodeCodecs } from '@ottla/runtime';
import fc from 'fast-check';
import { PartitionLog } from '../src';
import { append, makeBatch, options, smallSegments } from './batches';

async function logOf(...specs: Parameters<typeof makeBatch>[1][]) {
  const disk = new MemoryDisk();
  const log = await PartitionLog.open(options({ disk, config: smallSegments }));
  for (const spec of specs) await append(log, { epoch: 2, ...spec });
  return { disk, log };
}

describe('looking up a timestamp', () => {
  it.each<CompressionName>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'opens a %s batch for the record',
    async (compression) => {
      const { log } = await logOf(
        { timestamps: [100, 300, 200, 400], compression },
        { timestamps: [350, 500], compression },
      );
      const cases: [number, number, number][] = [
        [0, 0, 100],
        [100, 0, 100],
        [101, 1, 300],
        [301, 3, 400],
        [401, 5, 500],
      ];
      for (const [timestamp, offset, found] of cases) {
        expect(await log.offsetForTimestamp(timestamp, nodeCodecs)).toEqual({
          offset,
          timestamp: found,
          leaderEpoch: 2,
        });
      }
      expect(await log.offsetForTimestamp(501, nodeCodecs)).toBeNull();
      expect(await log.maxTimestamp(nodeCodecs)).toEqual({ offset: 5, timestamp: 500 });
    },
  );

  it('an empty log has none', async () => {
    const { log } = await logOf();
    expect(await log.offsetForTimestamp(0, nodeCodecs)).toBeNull();
    expect(await log.maxTimestamp(nodeCodecs)).toEqual({ offset: -1, timestamp: -1 });
  });

  it('the first of several records with the largest timestamp is found in its batch, or the batch without codecs', async () => {
    const { log } = await logOf({ timestamps: [1, 9, 9, 2] }, { timestamps: [9, 3] });
    expect(await log.maxTimestamp(nodeCodecs)).toEqual({ offset: 1, timestamp: 9 });
    expect(await log.maxTimestamp()).toEqual({ offset: 3, timestamp: 9 });
  });

  it('with LogAppendTime the batch is not opened: all its records have its timestamp', async () => {
    const { log } = await logOf({ timestamps: [1] });
    const { bytes } = makeBatch(1, { records: 3 });
    setLogAppendTime(bytes, 0, 5000);
    const { readBatchHeader } = await import('@ottla/protocol');
    await log.append(bytes, [readBatchHeader(bytes, 0)]);
    expect(await log.offsetForTimestamp(2, nodeCodecs)).toMatchObject({ offset: 1, timestamp: 5000 });
  });

  it('records before the log start are not found', async () => {
    const { disk, log } = await logOf({ timestamps: [10, 20] }, { timestamps: [30, 40] });
    await log.close({ clean: true });
    const again = await PartitionLog.open(options({ disk, config: smallSegments, logStart: 1, cleanShutdown: true }));
    expect(await again.offsetForTimestamp(5, nodeCodecs)).toMatchObject({ offset: 1, timestamp: 20 });
  });

  it('in any log, is the earliest record that is late enough, over segments and after restarts', async () => {
    const timestamps = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 40,
    });
    const property = fc.asyncProperty(timestamps, fc.constantFrom('open', 'clean', 'unclean'), async (batches, how) => {
      const { disk, log: first } = await logOf(...batches.map((batch) => ({ timestamps: batch, valueBytes: 30 })));
      let log = first;
      if (how !== 'open') {
        await log.close({ clean: how === 'clean' });
        log = await PartitionLog.open(options({ disk, config: smallSegments, cleanShutdown: how === 'clean' }));
      }
      const all = batches.flat();
      for (let timestamp = 0; timestamp <= 61; timestamp += 3) {
        const offset = all.findIndex((at) => at >= timestamp);
        const found = await log.offsetForTimestamp(timestamp, nodeCodecs);
        expect(found).toEqual(offset < 0 ? null : { offset, timestamp: all[offset], leaderEpoch: 2 });
      }
      const largest = Math.max(...all);
      expect(await log.maxTimestamp(nodeCodecs)).toEqual({ offset: all.indexOf(largest), timestamp: largest });
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
