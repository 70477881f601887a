import { apis, encodeRequest, OttlaError, type ProduceResponse, readResponse } from '@ottla/protocol';
import { type Clock, Deferred, type TcpConnection, type TcpNetwork, withDeadline } from '@ottla/runtime';
import { FrameParser } from '../doors/kafka/frame-parser';

export interface ForwardedProduce {
  readonly clientId: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly records: Uint8Array;
  readonly acks: 1 | -1;
  readonly timeoutMs: number;
}

export type ProducedPartition = ProduceResponse['responses'][number]['partitionResponses'][number];

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Link {
  readonly connection: Promise<TcpConnection>;
  readonly waiting: Map<number, Deferred<Uint8Array>>;
}

/** The newest version that names topics. */
const VERSION = 12;
const CONNECT_TIMEOUT_MS = 250;
/** On top of what the leader may take. */
const ANSWER_MARGIN_MS = 500;
/** The first produces may come before the next leader has heard that it leads. */
const GRACE_MS = 10;
const MAX_WAITING = 1_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Puts what a client sent here to the partition's leader elsewhere, while this broker is leaving: it handed the partition
 * over a moment ago, and the client can't know. Produces to one leader arrive in the order in which they were given.
 */
export class ProduceForwarder {
  private readonly links = new Map<string, Link>();
  private correlationId = 0;
  private usedAt = Number.NEGATIVE_INFINITY;
  private closed = false;

  constructor(private readonly options: { readonly tcp: Pick<TcpNetwork, 'connect'>; readonly clock: Clock }) {}

  /** The leader's answer. Rejects when it can't be had; the leader may have appended then. */
  async forward(address: Address, produce: ForwardedProduce): Promise<ProducedPartition> {
    const { clock } = this.options;
    this.usedAt = clock.now();
    const link = this.linkTo(address);
    const correlationId = ++this.correlationId;
    if (link.waiting.size >= MAX_WAITING) throw unreachable(address, `${MAX_WAITING} produces wait for it already`);
    const answer = new Deferred<Uint8Array>();
    answer.promise.catch(() => {});
    link.waiting.set(correlationId, answer);
    try {
      const connection = await link.connection;
      connection.write([requestOf(correlationId, produce)]);
      const late = `broker at ${address.host}:${address.port}: no answer to a forwarded produce`;
      const frame = await withDeadline(answer.promise, clock, produce.timeoutMs + ANSWER_MARGIN_MS, late);
      return onlyPartition(frame);
    } finally {
      link.waiting.delete(correlationId);
    }
  }

  /** Resolves when nothing was forwarded for `quietMs`, but after `maxMs` at the latest. */
  async untilQuiet(quietMs: number, maxMs: number): Promise<void> {
    const { clock } = this.options;
    const began = clock.now();
    for (;;) {
      const now = clock.now();
      const quietAt = Math.max(began, this.usedAt) + quietMs;
      const until = Math.min(quietAt, began + maxMs);
      if (now >= until) return;
      // At least one: a rest that rounding makes of nothing must not be waited for again and again.
      await clock.sleep(Math.max(1, until - now));
    }
  }

  close(): void {
    this.closed = true;
    for (const { connection } of this.links.values()) {
      connection.then(
        (open) => open.destroy(),
        () => {},
      );
    }
  }

  private linkTo(address: Address): Link {
    const key = `${address.host}:${address.port}`;
    const present = this.links.get(key);
    if (present !== undefined) return present;
    if (this.closed) throw unreachable(address, 'this broker has shut down');
    const waiting = new Map<number, Deferred<Uint8Array>>();
    const connected = this.options.tcp.connect(address.host, address.port, CONNECT_TIMEOUT_MS);
    const connection = connected.then(async (open) => {
      await this.options.clock.sleep(GRACE_MS);
      return open;
    });
    const link: Link = { connection, waiting };
    this.links.set(key, link);
    const lose = (error: Error | null): void => {
      if (this.links.get(key) === link) this.links.delete(key);
      for (const answer of waiting.values()) answer.reject(unreachable(address, error?.message ?? 'it closed'));
    };
    connected.then((open) => this.receive(open, waiting, lose), lose);
    connection.catch(() => {});
    return link;
  }

  private receive(
    connection: TcpConnection,
    waiting: ReadonlyMap<number, Deferred<Uint8Array>>,
    lose: (error: Error | null) => void,
  ): void {
    const parser = new FrameParser({ maxFrameBytes: MAX_ANSWER_BYTES });
    connection.handle({
      data: (bytes) => {
        for (const framed of parser.push(bytes)) {
          if (framed.type !== 'frame') return connection.destroy(new Error('the answer is not one of Kafka'));
          const { frame } = framed;
          waiting.get(new DataView(frame.buffer, frame.byteOffset).getInt32(0))?.resolve(frame);
        }
      },
      close: lose,
    });
    if (this.closed) connection.destroy();
  }
}

function requestOf(correlationId: number, produce: ForwardedProduce): Uint8Array {
  const { topic, partition, records, acks, timeoutMs, clientId } = produce;
  return encodeRequest(apis.Produce, VERSION, correlationId, clientId, {
    acks,
    timeoutMs,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
}

function onlyPartition(frame: Uint8Array): ProducedPartition {
  const { body } = readResponse(apis.Produce, VERSION, frame);
  const partition = body.responses[0]?.partitionResponses[0];
  if (partition === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'a forwarded produce got an empty answer');
  return partition;
}

function unreachable({ host, port }: Address, reason: string): OttlaError {
  return new OttlaError('NETWORK_EXCEPTION', `can't forward a produce to ${host}:${port}: ${reason}`);
}
