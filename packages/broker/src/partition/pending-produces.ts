import type { ProduceResult } from '../services';
import { PendingRequests, type Waiter } from './pending-requests';

export interface PendingProduce extends Waiter<ProduceResult> {
  readonly records: Uint8Array;
  readonly acks: 0 | 1 | -1;
}

/** Produces that the replica machine hasn't answered yet, with their bytes until they are written. */
export class PendingProduces extends PendingRequests<ProduceResult, PendingProduce> {
  constructor(private readonly name: string) {
    super();
  }

  /** The bytes of a produce that is to be written. */
  records(id: number): Uint8Array {
    const produce = this.pending.get(id);
    if (produce === undefined) throw new Error(`${this.name}: append for produce ${id}, which is unknown`);
    return produce.records;
  }

  /** The machine doesn't answer acks=0; its caller waits for the write all the same, as back-pressure. */
  resolveUnacknowledged(id: number, result: ProduceResult): void {
    if (this.pending.get(id)?.acks === 0) this.resolve(id, result);
  }
}
