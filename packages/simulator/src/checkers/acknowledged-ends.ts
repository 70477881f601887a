import type { ProduceAcked } from '../history/events';
import { type History, partitionKey } from '../history/history';
import type { Exemptions } from './exemptions';

interface Acked {
  readonly event: ProduceAcked;
  readonly sentAt: number;
  /** Offset behind the batch. */
  readonly end: number;
}

/** Up to where clients know each partition's records to be acknowledged with acks=all, kept up while the history grows. */
export class AcknowledgedEnds {
  private readonly acked = new Map<string, Acked[]>();
  private readonly ends = new Map<string, number>();
  private readonly sizes = new Map<number, number>();
  private seen = 0;

  constructor(private readonly history: History) {}

  /** What was counted may have become exempt. */
  exemptionsChanged(): void {
    this.ends.clear();
  }

  of(partition: string, exemptions: Exemptions): number {
    this.readOn(exemptions);
    const known = this.ends.get(partition);
    if (known !== undefined) return known;
    let end = 0;
    for (const acked of this.acked.get(partition) ?? []) end = Math.max(end, counted(partition, acked, exemptions));
    this.ends.set(partition, end);
    return end;
  }

  private readOn(exemptions: Exemptions): void {
    for (; this.seen < this.history.length; this.seen++) {
      const event = this.history[this.seen]!;
      if (event.type === 'produce-sent') this.sizes.set(event.batch, event.values.length);
      if (event.type !== 'produce-acked' || event.acks !== -1) continue;
      const partition = partitionKey(event);
      const sentAt = this.history[event.sent - 1]?.at ?? 0;
      const acked = { event, sentAt, end: event.baseOffset + (this.sizes.get(event.batch) ?? 0) };
      const list = this.acked.get(partition) ?? [];
      list.push(acked);
      this.acked.set(partition, list);
      const end = this.ends.get(partition);
      if (end !== undefined) this.ends.set(partition, Math.max(end, counted(partition, acked, exemptions)));
    }
  }
}

function counted(partition: string, { event, sentAt, end }: Acked, exemptions: Exemptions): number {
  return exemptions.ofAcknowledgement(partition, event.broker, sentAt) ? 0 : end;
}
