export interface Event {
  readonly label: string;
  run(): void;
}

interface Queued extends Event {
  readonly order: number;
  /** What it belongs to; dropped with that. */
  readonly owner: unknown;
}

/** Named queues of things under way. Each is first in, first out; a queue that is held delivers nothing. */
export class Queues {
  private readonly queues = new Map<string, Queued[]>();
  private readonly held = new Set<string>();
  private order = 0;

  push(name: string, label: string, run: () => void, owner: unknown = null): void {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    queue.push({ label, run, owner, order: this.order++ });
  }

  hold(name: string): void {
    this.held.add(name);
  }

  release(name: string): void {
    this.held.delete(name);
  }

  releaseAll(): void {
    this.held.clear();
  }

  length(name: string): number {
    return this.queues.get(name)?.length ?? 0;
  }

  labels(name: string): string[] {
    return (this.queues.get(name) ?? []).map(({ label }) => label);
  }

  /** Drops all but the first `kept` of those that are meant. */
  keepFirst(name: string, kept: number, isMeant: (owner: unknown) => boolean = () => true): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    let seen = 0;
    const stays = queue.filter((event) => {
      if (!isMeant(event.owner)) return true;
      seen += 1;
      return seen <= kept;
    });
    queue.splice(0, queue.length, ...stays);
  }

  dropFirst(name: string): void {
    this.queues.get(name)?.shift();
  }

  /** The first event is overtaken by all that are behind it. */
  rotate(name: string): void {
    const queue = this.queues.get(name);
    if (queue !== undefined && queue.length > 1) queue.push(queue.shift()!);
  }

  /** Names of queues that can deliver, the one with the oldest event first. */
  ready(): string[] {
    const ready = [...this.queues].filter(([name, queue]) => queue.length > 0 && !this.held.has(name));
    return ready.sort(([, a], [, b]) => a[0]!.order - b[0]!.order).map(([name]) => name);
  }

  /** Delivers the first event of a queue, held or not. */
  deliver(name: string): string {
    const event = this.queues.get(name)?.shift();
    if (event === undefined) throw new Error(`nothing is under way in '${name}'`);
    event.run();
    return event.label;
  }
}
