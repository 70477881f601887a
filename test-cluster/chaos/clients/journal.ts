/** Milliseconds of the machine's monotonic clock, the same in every process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export interface Acknowledgement {
  readonly sequence: number;
  /** Where the client was told that it is. */
  readonly offset: number;
  readonly at: number;
}

export interface Read {
  readonly offset: number;
  /** Null: the value is none that was sent. */
  readonly sequence: number | null;
}

/** What happened at one client with one partition, in order. */
export class Stream {
  /** When something was acknowledged, or read. */
  readonly times: number[] = [];

  constructor(
    readonly client: string,
    readonly topic: string,
    readonly partition: number,
  ) {}

  get name(): string {
    return `${this.client} at ${this.topic}-${this.partition}`;
  }

  get lastAt(): number {
    return this.times.at(-1) ?? 0;
  }

  /** The longest time without an event between two moments. */
  longestGap(from: number, to: number): number {
    let before = from;
    let longest = 0;
    for (const at of this.times) {
      if (at <= from) continue;
      if (at >= to) break;
      longest = Math.max(longest, at - before);
      before = at;
    }
    return Math.max(longest, to - before);
  }
}

/** The records that a producer sent to one partition: 0, 1, 2, ... */
export class ProducedStream extends Stream {
  readonly acknowledged: Acknowledgement[] = [];
  /** Those that the client gave up, with why: they may be in the log, or not. */
  readonly failed: { readonly sequence: number; readonly error: string }[] = [];

  acknowledge(acknowledgement: Acknowledgement): void {
    this.acknowledged.push(acknowledgement);
    this.times.push(acknowledgement.at);
  }
}

/** What a consumer of a group was given of one partition. */
export class ConsumedStream extends Stream {
  readonly reads: Read[] = [];
  /** Reads below an offset whose commit had been acknowledged. */
  readonly rewound: { readonly offset: number; readonly committed: number }[] = [];
  private committed = 0;

  read(read: Read, at: number): void {
    if (read.offset < this.committed) this.rewound.push({ offset: read.offset, committed: this.committed });
    this.reads.push(read);
    this.times.push(at);
  }

  commit(offset: number): void {
    this.committed = Math.max(this.committed, offset);
  }
}

/** Everything that the clients of a run were told. */
export class Journal {
  readonly produced: ProducedStream[] = [];
  readonly consumed: ConsumedStream[] = [];

  /** `complain` takes what clients say beside results: lost connections, timeouts. */
  constructor(readonly complain: (client: string, what: string) => void) {}
  producedTo(client: string, topic: string, partition: number): ProducedStream {
    return findOrAdd(this.produced, client, topic, partition, () => new ProducedStream(client, topic, partition));
  }

  consumedFrom(client: string, topic: string, partition: number): ConsumedStream {
    return findOrAdd(this.consumed, client, topic, partition, () => new ConsumedStream(client, topic, partition));
  }
}

function findOrAdd<T extends Stream>(streams: T[], client: string, topic: string, partition: number, make: () => T): T {
  const present = streams.find(
    (stream) => stream.client === client && stream.topic === topic && stream.partition === partition,
  );
  if (present !== undefined) return present;
  const added = make();
  streams.push(added);
  return added;
}
