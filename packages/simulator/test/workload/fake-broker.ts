import {
  type AnyApi,
  type ApiName,
  apis,
  encodeResponse,
  type InputOf,
  type Request,
  readRequest,
} from '@ottla/protocol';
import { ManualClock, SeededRandom, type TcpConnection, type TcpHandlers, type TcpNetwork } from '@ottla/runtime';
import { Recorder } from '../../src/history/recorder';
import type { ActorContext } from '../../src/workload/actor';

type Answers = { [K in ApiName]?: (request: Extract<Request, { name: K }>) => unknown };

/** Lets everything happen that waits for nothing but earlier happenings. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A broker in memory that answers as a test says; what it doesn't know it leaves without an answer. */
export class FakeBroker implements TcpNetwork {
  readonly requests: Request[] = [];
  readonly connections: FakeConnection[] = [];
  refuses = false;

  constructor(readonly answers: Answers) {}

  of<K extends ApiName>(name: K): Extract<Request, { name: K }>[] {
    return this.requests.filter((request): request is Extract<Request, { name: K }> => request.name === name);
  }

  async connect(): Promise<TcpConnection> {
    if (this.refuses) throw new Error('refused');
    const connection = new FakeConnection((frame) => this.take(connection, frame));
    this.connections.push(connection);
    return connection;
  }

  listen(): never {
    throw new Error('clients only');
  }

  probe(): never {
    throw new Error('clients only');
  }

  private take(connection: FakeConnection, frame: Uint8Array): void {
    const request = readRequest(frame);
    this.requests.push(request);
    const answer = (this.answers as Record<string, ((request: Request) => unknown) | undefined>)[request.name];
    const body = answer?.(request);
    if (body === undefined || body === null) return;
    const { apiVersion, correlationId } = request.header;
    const api: AnyApi = apis[request.name];
    const { chunks } = encodeResponse(api, apiVersion, correlationId, body as InputOf<AnyApi['response']>);
    for (const chunk of chunks) connection.deliver(chunk as Uint8Array);
  }
}

export class FakeConnection implements TcpConnection {
  readonly remoteAddress = 'b1';
  readonly remotePort = 9092;
  readonly localAddress = 'c';
  readonly localPort = 1;
  readonly bufferedBytes = 0;
  closed = false;
  private handlers: TcpHandlers | null = null;

  constructor(private readonly onFrame: (frame: Uint8Array) => void) {}

  handle(handlers: TcpHandlers): void {
    this.handlers = handlers;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) queueMicrotask(() => this.onFrame(chunk.subarray(4)));
    return true;
  }

  deliver(bytes: Uint8Array): void {
    if (!this.closed) this.handlers?.data(bytes);
  }

  /** The broker's side breaks. */
  reset(): void {
    this.closed = true;
    this.handlers?.close(new Error('reset'));
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.closed = true;
  }
}

export interface TestContext extends ActorContext {
  readonly clock: ManualClock;
  /** Lets time pass in small steps, and everything happen that falls into it. */
  pass(ms: number): Promise<void>;
}

export function contextOf(broker: FakeBroker): TestContext {
  const clock = new ManualClock();
  let id = 0;
  return {
    ...{ name: 'client', clock, random: new SeededRandom(1), recorder: new Recorder(() => clock.now()) },
    ...{ network: broker, brokers: [1], nextId: () => ++id, count: () => {} },
    bootstrap: () => [{ host: 'b1', port: 9092 }],
    door: () => {
      throw new Error('no door');
    },
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed += 10) {
        await settle();
        clock.advance(10);
      }
      await settle();
    },
  };
}

export const TOPIC_ID = '00000000-0000-4000-8000-0000000000aa';

/** Metadata of one broker and one topic of one partition, led by it. */
export function metadata(over: { leaderEpoch?: number; topicId?: string; missing?: boolean } = {}) {
  const { leaderEpoch = 0, topicId = TOPIC_ID, missing = false } = over;
  const led = { errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch };
  const partition = { ...led, replicaNodes: [1], isrNodes: [1], offlineReplicas: [] };
  const topic = { errorCode: missing ? 3 : 0, name: 'orders', topicId, partitions: missing ? [] : [partition] };
  return { brokers: [{ nodeId: 1, host: 'b1', port: 9092 }], topics: [topic] };
}
