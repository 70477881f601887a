import { OttlaError } from '@ottla/protocol';
import type { Actor, ActorContext } from '../actor';
import { readBatches } from '../readers/read-batches';
import { DoorClient } from './door-client';

export interface DoorConsumerSettings {
  readonly topic: string;
  readonly partition: number;
  readonly startMs: number;
  readonly maxWaitMs: number;
}

const MARGIN_MS = 400;
const PAUSE_MS = 100;
const MAX_BYTES = 8_192;
const EARLIEST = -2;

/** Reads one partition through the handlers of the gRPC door. */
export class DoorConsumer implements Actor {
  readonly name: string;
  private readonly client: DoorClient;
  private position: number | null = null;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: DoorConsumerSettings,
  ) {
    this.name = context.name;
    this.client = new DoorClient(context);
  }

  start(): void {
    this.context.clock.after(this.settings.startMs, () => void this.run());
  }

  quiesce(): void {}

  unfinished(): string | null {
    return null;
  }

  private async run(): Promise<void> {
    for (;;) {
      try {
        if (await this.step()) continue;
      } catch (error) {
        if (!(error instanceof OttlaError)) throw error;
        // Whether the position was lost is judged by what readers at the Kafka door are told.
        if (error.code === 'OFFSET_OUT_OF_RANGE') this.position = null;
      }
      await this.context.clock.sleep(PAUSE_MS + this.context.random.below(PAUSE_MS));
      await this.client.refresh(this.settings.topic);
    }
  }

  private async step(): Promise<boolean> {
    const { topic, partition, maxWaitMs } = this.settings;
    const leader = this.client.leader(topic, partition);
    const topicId = this.client.topicId(topic);
    if (leader === null || topicId === null) return false;
    const { recorder, name: client } = this.context;
    const { leader: broker, leaderEpoch } = leader;
    const link = this.client.link(broker);
    if (this.position === null) {
      const entries = [{ topic, partition, timestamp: EARLIEST, currentLeaderEpoch: leaderEpoch }];
      const { results } = await link.call('listOffsets', { readCommitted: false, entries }, MARGIN_MS);
      if (results[0]?.errorCode !== 0) return false;
      this.position = results[0].offset;
    }
    const offset = this.position;
    const sent = recorder.mark;
    const read = { topic, partition, offset, currentLeaderEpoch: leaderEpoch, maxBytes: MAX_BYTES, maxWaitMs };
    const answer = await link.call('fetch', { ...read, readCommitted: false }, maxWaitMs + MARGIN_MS);
    const { records, nextOffset, corruptAt } = readBatches(joined(answer.chunks), offset);
    const where = { client, sent, topic, topicId, partition, broker, fetchOffset: offset, leaderEpoch };
    const { highWatermark, logStartOffset: logStart } = answer;
    recorder.record({ type: 'records-read', ...where, highWatermark, logStart, records });
    this.position = nextOffset;
    return corruptAt === null;
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
