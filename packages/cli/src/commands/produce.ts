import type { Readable } from 'node:stream';
import type { Producer, ProducerOptions, ProducerRecord } from '@ottla/client';
import type { OttlaError } from '@ottla/protocol';
import { CommandError } from '../command-error';
import { LineSplitter, splitKey } from '../stdio/lines';
import { sayJson } from '../stdio/say';
import { Stop } from '../up/stop';
import { withClient } from './with-client';

export interface ProduceFlags {
  readonly topic: string;
  readonly bootstrap?: string;
  readonly partition?: number;
  readonly keySeparator?: string;
  readonly acks: 'all' | '1' | '0';
  readonly compression: NonNullable<ProducerOptions['compression']>;
  readonly json?: boolean;
}

/**
 * Sends each line of standard input. After Ctrl-C it reads no further, delivers what it has read, and exits with 130; after
 * a record that can't be delivered it stops and says which.
 */
export async function produce(flags: ProduceFlags): Promise<number> {
  const stop = new Stop();
  stop.onImpatience(() => process.exit(130));
  try {
    return await withClient(flags.bootstrap, async (client) => {
      const acks = flags.acks === 'all' ? 'all' : (Number(flags.acks) as 0 | 1);
      const producer = client.producer({ acks, compression: flags.compression });
      const sender = new LineSender(producer, flags);
      await sender.sendAll(process.stdin, stop.asked);
      if (flags.json) sayJson({ topic: flags.topic, records: sender.delivered, bytes: sender.bytes });
      return stop.isAsked ? 130 : 0;
    });
  } finally {
    stop.close();
  }
}

/** Turns lines into records, as fast as the producer takes them. */
export class LineSender {
  /** Records that are delivered. */
  delivered = 0;
  /** Bytes of the lines sent, without their newlines. */
  bytes = 0;
  private sent = 0;
  private failure: OttlaError | null = null;
  private readonly separator: Uint8Array | null;

  constructor(
    private readonly producer: Pick<Producer, 'enqueue' | 'close'>,
    private readonly target: Pick<ProduceFlags, 'topic' | 'partition' | 'keySeparator'>,
  ) {
    this.separator = target.keySeparator ? new TextEncoder().encode(target.keySeparator) : null;
  }

  /** Sends the lines of `input` until it ends or `stopped`, and waits until all are delivered. */
  async sendAll(input: Readable, stopped: Promise<void>): Promise<void> {
    const lines = new LineSplitter();
    let isStopped = false;
    void stopped.then(() => {
      isStopped = true;
      input.destroy();
    });
    try {
      for await (const chunk of input) await this.send(lines.push(chunk));
      if (!isStopped) await this.send(lines.end());
    } catch (error) {
      // Destroying the input ends the iteration with an error.
      if (!isStopped) throw error;
    }
    await this.deliver();
  }

  private async send(lines: Iterable<Uint8Array>): Promise<void> {
    for (const line of lines) {
      const record = this.recordOf(line);
      this.sent++;
      this.bytes += line.length;
      const room = this.producer.enqueue(record, this.onDelivered);
      if (room !== null) await room;
      if (this.failure !== null) return this.deliver();
    }
  }

  private recordOf(line: Uint8Array): ProducerRecord {
    const { topic, partition } = this.target;
    const { key, value } = this.separator === null ? { key: null, value: line } : splitKey(line, this.separator);
    return partition === undefined ? { topic, key, value } : { topic, partition, key, value };
  }

  private readonly onDelivered = (error: OttlaError | null): void => {
    if (error === null) this.delivered++;
    else this.failure ??= error;
  };

  private async deliver(): Promise<void> {
    try {
      await this.producer.close();
    } catch (error) {
      this.failure ??= error as OttlaError;
    }
    if (this.failure === null) return;
    throw new CommandError(
      `${this.delivered} of ${this.sent} records were delivered, then: ${this.failure.message}`,
      1,
      { cause: this.failure },
    );
  }
}
