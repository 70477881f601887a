import type { ClusterImage } from '@ottla/metadata';
import { MemoryDisk } from '@ottla/runtime';
import { contradiction, readSeen, seenIn, writeSeen } from '../src/composition/seen-store';

/** Records by topic id, each of the revision given. */
function imageOf(revision: number, records: Record<string, number[]> = {}, generation = 1): ClusterImage {
  const partitions = Object.entries(records).map(
    ([topicId, revisions]) => [topicId, new Map(revisions.map((modRevision, n) => [n, { modRevision }]))] as const,
  );
  const topicNames = new Map([['id-a', 'letters']]);
  const parts = { revision, generation: { value: { generation } }, partitions: new Map(partitions), topicNames };
  return parts as unknown as ClusterImage;
}

describe('what a broker has seen of the store', () => {
  it('is kept in its data directory', async () => {
    const disk = new MemoryDisk().mount();
    await disk.makeDir('/data');
    expect(await readSeen(disk, '/data')).toBeNull();
    const seen = seenIn(imageOf(90, { 'id-a': [40, 70], 'id-b': [60] }));
    await writeSeen(disk, '/data', seen);
    expect(await readSeen(disk, '/data')).toEqual({
      ...{ version: 1, generation: 1, revision: 90 },
      newest: { topicId: 'id-a', partition: 1, modRevision: 70 },
    });
    await disk.writeFileAtomic('/data/metadata-seen', new TextEncoder().encode('{"version":'));
    expect(await readSeen(disk, '/data')).toBeNull();
  });

  const seen = seenIn(imageOf(90, { 'id-a': [40, 70] }));

  it.each([
    ['the same', imageOf(90, { 'id-a': [40, 70] }), null],
    ['further on', imageOf(120, { 'id-a': [100, 110] }), null],
    ['the topic deleted since', imageOf(120), null],
    ['a revision that went back', imageOf(80, { 'id-a': [40, 70] }), 'it is at revision 80, and was at 90'],
    [
      'restored, and past that revision again',
      imageOf(120, { 'id-a': [40, 50] }),
      'the record of letters-1 is of revision 50, and was of 70',
    ],
    ['another generation, which has dealt with it', imageOf(80, {}, 2), null],
  ])('%s', (_name, image, expected) => {
    expect(contradiction(seen, image)).toBe(expected);
  });

  it('an earlier generation', () => {
    const later = seenIn(imageOf(90, {}, 3));
    expect(contradiction(later, imageOf(200, {}, 2))).toBe('its generation is 2, and was 3');
  });
});
