import { type Actor, type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { PartitionReader, type PartitionReaderOptions } from './partition-reader';

export interface PlainConsumerSettings
  extends Pick<PartitionReaderOptions, 'maxWaitMs' | 'validation' | 'byId' | 'rack'> {
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  readonly sticky: boolean;
  readonly maxBytes: number;
  readonly startMs: number;
}

/** Reads partitions from their beginning, and goes on for ever. */
export class PlainConsumer implements Actor {
  readonly name: string;
  readonly readers: readonly PartitionReader[];
  private readonly client: WireClient;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: PlainConsumerSettings,
  ) {
    this.name = context.name;
    const { maxWaitMs, sticky, validation, byId, maxBytes, rack = '' } = settings;
    this.client = wireClient(context, { requestTimeoutMs: maxWaitMs + 400, sticky });
    this.readers = settings.partitions.map(({ topic, partition }) => {
      const options = {
        topic,
        partition,
        from: null,
        maxWaitMs,
        maxBytes,
        validation,
        byId,
        rack,
        sharing: settings.partitions.length,
      };
      return new PartitionReader(context, this.client, options);
    });
  }

  start(): void {
    this.context.clock.after(this.settings.startMs, () => {
      for (const reader of this.readers) reader.start();
    });
  }

  quiesce(): void {}

  /** Whether it has come to the end is looked at by who knows the end. */
  unfinished(): string | null {
    return null;
  }
}
