import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { librdkafkaPython } from '../../harness/librdkafka';
import { type Started, start } from '../../harness/processes';
import type { Journal } from './journal';

const CLIENT = 'librdkafka';
const PROGRAM = join(__dirname, 'librdkafka.py');
const CLOSE_DEADLINE_MS = 240_000;

/** librdkafka tries on for longer than any fault lasts. */
const SETTINGS = { 'socket.timeout.ms': 30_000, 'reconnect.backoff.max.ms': 1_000 };

export interface Client {
  /** Produces or reads no more; resolves when everything sent has its answer. */
  close(): Promise<void>;
  killNow(): void;
}

/** An idempotent acks=all producer that writes to every partition of a topic. */
export function librdkafkaProducer(
  journal: Journal,
  target: { bootstrap: string; topic: string; partitions: number; intervalMs: number },
): Client {
  const { bootstrap, topic, intervalMs } = target;
  const partitions = Array.from({ length: target.partitions }, (_, partition) => partition);
  const settings = {
    ...SETTINGS,
    'bootstrap.servers': bootstrap,
    'enable.idempotence': true,
    'delivery.timeout.ms': 600_000,
    'compression.type': 'lz4',
    'linger.ms': 5,
  };
  for (const partition of partitions) journal.producedTo(CLIENT, topic, partition);
  return new Program(journal, { topic, partitions, intervalMs, settings }, topic);
}

/** A member of a group of its own that reads topics from the beginning, and commits. */
export function librdkafkaConsumer(journal: Journal, source: { bootstrap: string; topics: readonly string[] }): Client {
  const { bootstrap, topics } = source;
  const settings = {
    ...SETTINGS,
    'bootstrap.servers': bootstrap,
    'group.id': `${CLIENT}-readers`,
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
  };
  return new Program(journal, { topics, commitMs: 500, settings }, '');
}

/** The Python program; its lines are described at its beginning. */
class Program implements Client {
  private readonly started: Started;
  private readonly ended: Promise<unknown>;

  constructor(
    private readonly journal: Journal,
    job: object,
    private readonly topic: string,
  ) {
    this.started = start(librdkafkaPython(), [PROGRAM, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = once(this.started.child, 'close');
    createInterface({ input: this.started.child.stdout! }).on('line', (line) => this.onLine(line));
    // It is killed with its pipe open.
    this.started.child.stdin!.on('error', () => {});
  }

  async close(): Promise<void> {
    this.started.child.stdin!.end();
    const timer = setTimeout(() => this.started.child.kill('SIGKILL'), CLOSE_DEADLINE_MS);
    await this.ended;
    clearTimeout(timer);
    if (this.started.child.exitCode !== 0) throw new Error(`the librdkafka client failed: ${this.started.output()}`);
  }

  killNow(): void {
    this.started.child.kill('SIGKILL');
  }

  private onLine(line: string): void {
    const [kind, ...words] = line.split(' ');
    if (kind === '+') {
      const [partition, sequence, offset, at] = words.map(Number) as [number, number, number, number];
      this.journal.producedTo(CLIENT, this.topic, partition).acknowledge({ sequence, offset, at });
    } else if (kind === '-') {
      const [partition, sequence, , ...error] = words;
      const stream = this.journal.producedTo(CLIENT, this.topic, Number(partition));
      stream.failed.push({ sequence: Number(sequence), error: error.join(' ') });
    } else if (kind === '<') {
      const [topic, partition, offset, sequence, at] = words as [string, string, string, string, string];
      const read = { offset: Number(offset), sequence: sequence === '?' ? null : Number(sequence) };
      this.journal.consumedFrom(CLIENT, topic, Number(partition)).read(read, Number(at));
    } else if (kind === 'c') {
      const [topic, partition, offset] = words as [string, string, string];
      this.journal.consumedFrom(CLIENT, topic, Number(partition)).commit(Number(offset));
    } else if (kind === '~') {
      this.journal.complain(CLIENT, words.slice(1).join(' '));
    }
  }
}
