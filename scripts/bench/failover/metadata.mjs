// What single brokers say of the cluster: Kafka's Metadata requests over a connection to each.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageModule } from '../../harness.mjs';

const { apis, encodeRequest, readResponse } = packageModule('protocol');

/** The newest version that Apache Kafka and Ottla both answer, and that tells leader epochs. */
const VERSION = 9;
const ANSWER_TIMEOUT_MS = 1_000;

/** Milliseconds of the machine's monotonic clock, which all processes on it share. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A connection to one broker, on which one request is under way at a time. */
export class MetadataConnection {
  #socket;
  #received = Buffer.alloc(0);
  #waiting = null;
  #correlationId = 0;

  constructor(address) {
    const [host, port] = address.split(':');
    this.#socket = connect({ host, port: Number(port), noDelay: true });
    this.#socket.on('data', (bytes) => this.#onData(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#settle(new Error(`${address} closed the connection`)));
  }

  /** The broker's view of a topic: `{ controller, brokers, partitions }`. Rejects when the broker doesn't answer. */
  async ask(topic) {
    const topics = topic === null ? null : [{ name: topic }];
    const body = { topics, allowAutoTopicCreation: false };
    const frame = await this.#call(encodeRequest(apis.Metadata, VERSION, ++this.#correlationId, 'bench', body));
    const answer = readResponse(apis.Metadata, VERSION, frame).body;
    return { controller: answer.controllerId, brokers: answer.brokers, topics: answer.topics };
  }

  close() {
    this.#socket.destroy();
  }

  #call(request) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket.destroy(), ANSWER_TIMEOUT_MS);
      this.#waiting = { resolve, reject, timer };
      if (this.#socket.destroyed) return this.#settle(new Error('the connection is closed'));
      this.#socket.write(request);
    });
  }

  #onData(bytes) {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#received.length < 4) return;
    const end = 4 + this.#received.readInt32BE(0);
    if (this.#received.length < end) return;
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    this.#settle(null, frame);
  }

  #settle(error, frame) {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    if (error === null) waiting.resolve(frame);
    else waiting.reject(error);
  }
}

/** Asks one broker once. */
export async function askOnce(address, topic) {
  const connection = new MetadataConnection(address);
  try {
    return await connection.ask(topic);
  } finally {
    connection.close();
  }
}

/**
 * Asks a broker every few milliseconds until its metadata shows every partition of the topic as wanted. Answers when it
 * did, in monotonic ms; null when it did not within `timeoutMs`.
 */
export async function untilSeen(connection, { topic, seen, timeoutMs, everyMs = 3 }) {
  const deadline = monotonicMs() + timeoutMs;
  while (monotonicMs() < deadline) {
    const { topics } = await connection.ask(topic);
    const at = monotonicMs();
    const { partitions } = topics[0];
    if (partitions.length > 0 && partitions.every(seen)) return at;
    await sleep(everyMs);
  }
  return null;
}
