import { OttlaError } from '@ottla/protocol';
import { type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { listOffset } from './list-offset';
import { PartitionReader } from './partition-reader';

export interface ReadBackTopic {
  readonly name: string;
  /** Never deleted: can be asked for its offsets by name. */
  readonly lasting: boolean;
}

interface Reading {
  readonly topic: string;
  readonly partition: number;
  readonly reader: PartitionReader;
  readonly lasting: boolean;
  end: number | null;
  done: boolean;
}

const PAUSE_MS = 100;

/** After the faults: a new consumer that reads every partition from its beginning to the end that it has then. */
export class ReadBackConsumer {
  private readonly client: WireClient;
  private readings: Reading[] | null = null;

  constructor(
    private readonly context: ActorContext,
    private readonly topics: readonly ReadBackTopic[],
  ) {
    this.client = wireClient(context, { requestTimeoutMs: 700, sticky: false });
  }

  start(): void {
    void this.run();
  }

  get isDone(): boolean {
    return this.readings?.every(({ done }) => done) ?? false;
  }

  unfinished(): string | null {
    const left = this.readings?.filter(({ done }) => !done);
    if (left === undefined) return `${this.context.name} has no metadata yet`;
    if (left.length === 0) return null;
    const places = left.map(
      ({ topic, partition, reader, end }) => `${topic}-${partition} at ${reader.position} of ${end}`,
    );
    return `${this.context.name} is reading ${places.join(', ')}`;
  }

  /** Where a partition of a lasting topic ended when it was read back; null when it hasn't been. */
  endOf(topic: string, partition: number): number | null {
    const reading = this.readings?.find((one) => one.topic === topic && one.partition === partition && one.lasting);
    return reading?.done ? reading.end : null;
  }

  private async run(): Promise<void> {
    const { clock } = this.context;
    await this.openReadings();
    for (;;) {
      await clock.sleep(PAUSE_MS);
      for (const reading of this.readings ?? []) await this.look(reading);
      if (this.isDone) return;
    }
  }

  private async openReadings(): Promise<void> {
    const names = this.topics.map(({ name }) => name);
    do {
      await this.client.refresh(...names);
      await this.context.clock.sleep(PAUSE_MS);
    } while (names.some((name) => this.client.topic(name) === null && !this.client.isMissing(name)));
    this.readings = this.topics.flatMap(({ name, lasting }) =>
      (this.client.topic(name)?.partitions ?? []).map((_, partition) => this.open(name, partition, lasting)),
    );
  }

  private open(topic: string, partition: number, lasting: boolean): Reading {
    const options = {
      topic,
      partition,
      from: null,
      maxWaitMs: 100,
      maxBytes: 65_536,
      byId: !lasting,
      sharing: 8,
    } as const;
    const reader = new PartitionReader(this.context, this.client, { ...options, validation: 'none' });
    reader.start();
    return { topic, partition, reader, lasting, end: null, done: false };
  }

  private async look(reading: Reading): Promise<void> {
    if (reading.done) return;
    const { topic, partition, reader, lasting } = reading;
    reading.end ??= lasting ? await this.endNow(topic, partition) : reader.highWatermark;
    if (reading.end === null || reader.position === null || reader.position < reading.end) return;
    reading.done = true;
    reader.close();
    const ref = { topic, topicId: reader.topicId!, partition };
    const range = { from: reader.startedAt ?? 0, to: reading.end, damaged: reader.damaged };
    this.context.recorder.record({ type: 'read-back', client: this.context.name, ...ref, ...range });
  }

  private async endNow(topic: string, partition: number): Promise<number | null> {
    const view = this.client.topic(topic);
    const leader = this.client.leader(topic, partition);
    if (view === null || leader === null) return null;
    try {
      const to = { topic, topicId: view.topicId, partition };
      return (await listOffset(this.context, this.client, to, leader, 'latest')).offset;
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
      await this.client.refresh(topic);
      return null;
    }
  }
}
