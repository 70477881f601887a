import type { PartitionRecord } from '@ottla/replication';
import { type Disks, keptFolders } from '../../src/checkers/inside/kept-folders';

const record = { isr: [{ broker: 1, logId: 'a' }] } as unknown as PartitionRecord;
const gone = (restored: boolean) =>
  new Map([
    [
      'id/0',
      [
        { at: 1, value: record, restored: false },
        { at: 2, value: null, restored },
      ],
    ],
  ]);
const disks = (folders: { topicId: string; topic: string }[], { lost = false, had = true } = {}): Disks => ({
  topicNamed: () => 'orders',
  folders: () => folders.map((folder) => ({ ...folder, partition: 0 })),
  hadFolder: () => had,
  lostData: () => lost,
});

describe('folders of topics that a restore made vanish', () => {
  it.each([
    ['is still there', gone(true), disks([{ topicId: 'id', topic: 'orders' }]), 0],
    ['was deleted', gone(true), disks([]), 1],
    ['may be set aside for another topic of the name', gone(true), disks([{ topicId: 'new', topic: 'orders' }]), 0],
    ['may be lost with its disk', gone(true), disks([], { lost: true }), 0],
    ['may never have been made', gone(true), disks([], { had: false }), 0],
    ['may go when the topic was deleted', gone(false), disks([]), 0],
  ])('a folder %s', (_name, partitions, on, violations) => {
    expect(keptFolders(9, partitions, on)).toHaveLength(violations);
  });
});
