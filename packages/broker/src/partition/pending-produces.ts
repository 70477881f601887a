import { type ErrorName, OttlaError } from '@ottla/protocol';
import type { ProduceResult } from '../services';

export interface PendingProduce {
  readonly records: Uint8Array;
  readonly acks: 0 | 1 | -1;
  resolve(result: ProduceResult): void;
  reject(error: OttlaError): void;
}

/** Produces that the replica machine hasn't answered yet, with their bytes until they are written. */
export class PendingProduces {
  private readonly pending = new Map<number, PendingProduce>();
  private nextId = 1;

  constructor(private readonly name: string) {}

  add(produce: PendingProduce): number {
    const id = this.nextId++;
    this.pending.set(id, produce);
    return id;
  }

  /** The bytes of a produce that is to be written. */
  records(id: number): Uint8Array {
    const produce = this.pending.get(id);
    if (produce === undefined) throw new Error(`${this.name}: append for produce ${id}, which is unknown`);
    return produce.records;
  }

  resolve(id: number, result: ProduceResult): void {
    this.take(id)?.resolve(result);
  }

  reject(id: number, error: ErrorName, message: string): void {
    this.take(id)?.reject(new OttlaError(error, message));
  }

  /** The machine doesn't answer acks=0; its caller waits for the write all the same, as back-pressure. */
  resolveUnacknowledged(id: number, result: ProduceResult): void {
    if (this.pending.get(id)?.acks === 0) this.resolve(id, result);
  }

  rejectAll(error: OttlaError): void {
    for (const produce of this.pending.values()) produce.reject(error);
    this.pending.clear();
  }

  private take(id: number): PendingProduce | undefined {
    const produce = this.pending.get(id);
    this.pending.delete(id);
    return produce;
  }
}
