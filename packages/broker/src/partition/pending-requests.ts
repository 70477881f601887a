import { type ErrorName, OttlaError } from '@ottla/protocol';

/** Who waits for the answer to a request. */
export interface Waiter<Result> {
  resolve(result: Result): void;
  reject(error: OttlaError): void;
}

/** Requests that a replica machine hasn't answered yet, by their ids. */
export class PendingRequests<Result, Request extends Waiter<Result> = Waiter<Result>> {
  protected readonly pending = new Map<number, Request>();
  private nextId = 1;

  add(request: Request): number {
    const id = this.nextId++;
    this.pending.set(id, request);
    return id;
  }

  resolve(id: number, result: Result): void {
    this.take(id)?.resolve(result);
  }

  reject(id: number, error: ErrorName, message: string): void {
    this.take(id)?.reject(new OttlaError(error, message));
  }

  rejectAll(error: OttlaError): void {
    for (const request of this.pending.values()) request.reject(error);
    this.pending.clear();
  }

  private take(id: number): Request | undefined {
    const request = this.pending.get(id);
    this.pending.delete(id);
    return request;
  }
}
