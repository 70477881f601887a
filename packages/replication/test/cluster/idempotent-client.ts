import type { BatchHeader } from '@ottla/protocol';
import { batch } from './batches';

/** As many batches as a client has in flight. */
const IN_FLIGHT = 5;

/**
 * An idempotent producer as clients are: it sends in sequence, several batches at once, and after any doubt all that has
 * no good answer again, the first one first.
 */
export class IdempotentClient {
  private readonly unanswered: BatchHeader[] = [];
  /** How many of them were sent by the present connection. */
  private sent = 0;
  private connectedTo = '';
  private sequence = 0;

  constructor(private readonly producerId: number) {}

  /** What it sends next to the broker's run: something again, or something new. */
  next(run: string, fresh: { crc: number; records: number }): BatchHeader | null {
    if (run !== this.connectedTo) this.sendAllAgain();
    this.connectedTo = run;
    if (this.sent === this.unanswered.length && this.sent < IN_FLIGHT) {
      this.unanswered.push(batch({ ...fresh, producerId: this.producerId, baseSequence: this.sequence }));
      this.sequence += fresh.records;
    }
    return this.unanswered[this.sent++] ?? null;
  }

  maySendAgain(crc: number): boolean {
    return this.unanswered.some((header) => header.crc === crc);
  }

  sendAllAgain(): void {
    this.sent = 0;
  }

  onReply(header: BatchHeader, isGood: boolean): void {
    const index = this.unanswered.findIndex(({ crc }) => crc === header.crc);
    if (index < 0) return;
    if (!isGood) this.sendAllAgain();
    else {
      this.unanswered.splice(index, 1);
      if (index < this.sent) this.sent -= 1;
    }
  }
}
