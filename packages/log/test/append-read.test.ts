import { MemoryDisk } from '@ottla/runtime';
import { PartitionLog } from '../src';
import { append, headersOf, makeBatches, options, readAll, smallSegments } from './batches';

describe('smoke', () => {
  it('appends and reads', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    for (let n = 0; n < 50; n++) await append(log, { records: (n % 3) + 1, timestamp: 1000 + n });
    expect(log.logEnd).toBe(99);
    const all = await readAll(log, 0, 300);
    expect(headersOf([all]).length).toBe(50);
    expect(log.segmentCount).toBeGreaterThan(3);
    await log.truncate(40);
    const { bytes, headers } = makeBatches(log.logEnd, [{}, { records: 3 }]);
    await log.append(bytes, headers);
    const end = log.logEnd;
    await log.close({ clean: true });
    const again = await PartitionLog.open(options({ disk, config: smallSegments, cleanShutdown: true }));
    expect(again.logEnd).toBe(end);
    await again.close({ clean: false });
    const third = await PartitionLog.open(options({ disk, config: smallSegments }));
    expect(third.logEnd).toBe(end);
    await third.close({ clean: true });
    console.log(await disk.list('/data/orders-0'), disk.openFiles);
  });
});
