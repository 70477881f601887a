import { OttlaError } from '@ottla/protocol';
import type { Acks } from '../../history/events';
import type { Actor, ActorContext } from '../actor';
import { NOT_IDEMPOTENT, type Sequencing } from './batch';
import { Lane, type ProduceTransport } from './lane';

export interface ProducerSettings {
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  readonly acks: Acks;
  readonly idempotent: boolean;
  readonly intervalMs: number;
  readonly maxRecords: number;
  readonly padding: number;
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly echoOneIn: number;
  readonly startMs: number;
  readonly pause: { readonly fromMs: number; readonly toMs: number } | null;
}

/** Gives an idempotent producer its id. */
export type InitProducerId = () => Promise<{ readonly producerId: number; readonly producerEpoch: number }>;

const ID_RETRY_MS = 150;

/** Writes to a few partitions in turn, through either door. */
export class Producer implements Actor {
  readonly name: string;
  private readonly lanes: Lane[];
  private readonly nextSequence = new Map<Lane, number>();
  private id: { producerId: number; producerEpoch: number } | null = null;
  private asking = false;
  private stopped = false;
  private turn = 0;
  private startedAt = 0;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: ProducerSettings,
    transport: ProduceTransport,
    private readonly initProducerId: InitProducerId,
  ) {
    this.name = context.name;
    const { acks, maxInFlight, maxAttempts, echoOneIn } = settings;
    this.lanes = settings.partitions.map(({ topic, partition }) => {
      const options = { topic, partition, acks, maxInFlight, maxAttempts, echoOneIn };
      const lane = new Lane(context, transport, options, () => this.onSequenceLost());
      lane.onNewTopic = () => this.nextSequence.set(lane, 0);
      return lane;
    });
  }

  start(): void {
    this.startedAt = this.context.clock.now();
    this.context.clock.after(this.settings.startMs, () => this.tick());
  }

  quiesce(): void {
    this.stopped = true;
  }

  unfinished(): string | null {
    const busy = this.lanes.filter((lane) => lane.pending > 0);
    if (busy.length === 0) return null;
    return `${this.name}: ${busy.map((lane) => `${lane.pending} batches for ${lane.name}`).join(', ')}`;
  }

  private tick(): void {
    if (this.stopped) return;
    const { settings, context } = this;
    const { clock, random } = context;
    clock.after(settings.intervalMs / 2 + random.below(settings.intervalMs), () => this.tick());
    if (this.isPaused()) return;
    if (settings.idempotent && this.id === null) return void this.obtainId();
    const lane = this.lanes[this.turn++ % this.lanes.length]!;
    const big = random.below(12) === 0;
    const count = 1 + random.below(settings.maxRecords);
    lane.offer(count, big ? settings.padding * 8 : settings.padding, (records) => this.sequenceOf(lane, records));
  }

  private isPaused(): boolean {
    const { pause } = this.settings;
    const now = this.context.clock.now() - this.startedAt;
    return pause !== null && now >= pause.fromMs && now < pause.toMs;
  }

  private sequenceOf(lane: Lane, count: number): Sequencing | null {
    if (!this.settings.idempotent) return NOT_IDEMPOTENT;
    if (this.id === null) return null;
    const baseSequence = this.nextSequence.get(lane) ?? 0;
    this.nextSequence.set(lane, baseSequence + count);
    return { ...this.id, baseSequence };
  }

  /** What was sent and not acknowledged has an unknown fate; everything goes on under another id. */
  private onSequenceLost(): void {
    this.id = null;
    this.nextSequence.clear();
    for (const lane of this.lanes) lane.abandon();
    void this.obtainId();
  }

  private async obtainId(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const { recorder, clock } = this.context;
    while (this.id === null && !this.stopped) {
      const sent = recorder.mark;
      try {
        const issued = await this.initProducerId();
        recorder.record({ type: 'producer-id-issued', client: this.name, sent, ...issued });
        this.id = issued;
      } catch (error) {
        if (!(error instanceof OttlaError)) throw error;
        await clock.sleep(ID_RETRY_MS);
      }
    }
    this.asking = false;
  }
}
