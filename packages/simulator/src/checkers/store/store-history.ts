import type { KeyValue, WatchEvent } from '@ottla/metadata';
import type { Violation } from '../../run/result';
import { checkClaim, checkRegistration, type Finding } from './membership-rules';
import { checkPartition } from './partition-rules';
import { type StoreChange, StoreView } from './store-view';

/** A revision of the store, as it was committed. */
export interface StoreRevision {
  /** Virtual milliseconds. */
  readonly at: number;
  readonly revision: number;
  /** The broker whose transaction it was; null when a lease ended. */
  readonly writer: number | null;
  readonly events: readonly WatchEvent[];
}

/** Checks each revision of the metadata store against the ones before: what an operator could see by watching it. */
export class StoreHistory {
  /** As the next transaction will meet it. */
  private readonly view: StoreView;
  /** With the revision that is being looked at. */
  private readonly next: StoreView;
  private highestControllerEpoch = 0;
  /** The store was restored: until the next generation every partition is written anew, from what replicas hold. */
  private isRewritten = false;

  private readonly gone = new Map<number, string>();

  constructor(clusterId: string) {
    this.view = new StoreView(clusterId);
    this.next = new StoreView(clusterId);
  }

  onRevision({ at, writer, events, revision }: StoreRevision): Violation[] {
    const changes = events.flatMap((event) => this.next.apply(event) ?? []);
    const findings = changes.flatMap((change) => this.check(change, writer));
    for (const event of events) this.view.apply(event);
    return findings.map(({ invariant, message }) => ({
      invariant,
      at,
      message: `store revision ${revision}: ${message}`,
    }));
  }

  /** The run whose registration under a broker id was deleted last; null when none was. */
  lastGone(broker: number): string | null {
    return this.gone.get(broker) ?? null;
  }

  /** The store was replaced by a backup: another history begins with what that holds. */
  onRestored(entries: readonly KeyValue[]): void {
    for (const view of [this.view, this.next]) {
      view.clear();
      for (const kv of entries) view.apply({ type: 'put', key: kv.key, kv });
    }
    this.highestControllerEpoch = this.view.claim?.value.epoch ?? 0;
    this.isRewritten = true;
  }

  private check(change: StoreChange, writer: number | null): Finding[] {
    switch (change.kind) {
      case 'generation':
        this.isRewritten = false;
        return [];
      case 'claim': {
        const findings = checkClaim(change.before, change.after, this.highestControllerEpoch);
        this.highestControllerEpoch = Math.max(this.highestControllerEpoch, change.after?.value.epoch ?? 0);
        return findings;
      }
      case 'registration':
        if (change.after === null && change.before !== null) this.gone.set(change.broker, change.before.value.run);
        return checkRegistration(change.broker, change.before, change.after, writer, {
          before: this.view.claim,
          after: this.next.claim,
        });
      case 'partition': {
        if (change.after === null) return [];

        const former = this.isRewritten ? null : (change.before?.value ?? null);
        const where = `partition ${change.topicId}/${change.partition}: `;
        const found = checkPartition(former, change.after.value, writer, this.view);
        return found.map(({ invariant, message }) => ({ invariant, message: where + message }));
      }
    }
  }
}
