import { Kafka, logLevel, type Producer } from 'kafkajs';

const FAST_RETRY = { initialRetryTime: 30, maxRetryTime: 150, multiplier: 1.5, retries: 1000 };

export interface Acknowledgement {
  sequence: number;
  /** Monotonic time, ms. */
  at: number;
}

/**
 * Sends 0, 1, 2, ... to partition 0 of a topic, one record a request, with kafkajs's idempotent producer and acks=all, and
 * notes when each was acknowledged.
 */
export class SequenceProducer {
  readonly acknowledged: Acknowledgement[] = [];
  private readonly producer: Producer;
  private running: Promise<void> | null = null;
  private stopping = false;

  constructor(
    brokers: string[],
    private readonly topic: string,
  ) {
    const kafka = new Kafka({
      clientId: 'sequence-producer',
      brokers,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 500,
      requestTimeout: 5_000,
      retry: FAST_RETRY,
    });
    this.producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: FAST_RETRY });
  }

  async start(): Promise<void> {
    await this.producer.connect();
    this.running = this.sendAll();
    this.running.catch(() => {});
  }

  /** The first acknowledgement after a moment, or undefined while there is none. */
  firstAfter(at: number): Acknowledgement | undefined {
    return this.acknowledged.find((ack) => ack.at > at);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    try {
      await this.running;
    } finally {
      await this.producer.disconnect();
    }
  }

  private async sendAll(): Promise<void> {
    for (let sequence = 0; !this.stopping; sequence++) {
      const messages = [{ partition: 0, value: String(sequence) }];
      await this.producer.send({ topic: this.topic, acks: -1, messages });
      this.acknowledged.push({ sequence, at: performance.now() });
    }
  }
}
