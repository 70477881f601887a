import { changePartition } from '@ottla/controller';
import { type ImageTracker, keysFor, partitionRecordCodec } from '@ottla/metadata';

/** Does for partition records what the controller does, in a world that has none. */
export class PartitionController {
  private readonly stopFollowing: () => void;
  private pass: Promise<void> = Promise.resolve();

  constructor(
    private readonly tracker: ImageTracker,
    private readonly minInsyncReplicas = 1,
  ) {
    this.stopFollowing = tracker.onChange(() => this.wake());
    this.wake();
  }

  async close(): Promise<void> {
    this.stopFollowing();
    await this.pass;
  }

  private wake(): void {
    this.pass = this.pass.then(() => this.reconcile());
  }

  private async reconcile(): Promise<void> {
    const { image, store } = this.tracker;
    const view = { registrations: image.brokers, isUnjudged: () => false };
    const policy = { minInsyncReplicas: this.minInsyncReplicas, uncleanAllowed: false };
    for (const [topicId, partitions] of image.partitions) {
      for (const [partition, { value, modRevision }] of partitions) {
        const change = changePartition(value, view, policy);
        if (change === null) continue;
        const key = keysFor(image.clusterId).partition(topicId, partition);
        await store.txn({
          compare: [{ key, target: 'mod', equals: modRevision }],
          success: [{ type: 'put', key, value: partitionRecordCodec.encode(change.record) }],
        });
      }
    }
  }
}
