import type { ServerDuplexStream, ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { toOttlaError } from '@ottla/protocol';
import type { Clock } from '@ottla/runtime';
import type * as door from '../generated/door';
import type { GrpcServer } from '../server/grpc-server';
import { DEFAULT_LIMITS } from '../stream/message-stream';
import { acceptStream } from '../stream/server-call';
import { toStatus } from '../stream/status';
import { FetchSession } from './fetch-session';
import { fetchServerFraming, produceServerFraming } from './framing';
import type { DoorCall, DoorHandlers } from './handlers';
import { answerProduces } from './produce-session';
import { adminService, brokerService } from './services';

export interface ServeDoorOptions {
  readonly clock: Clock;
  /** What one produce stream may have unanswered before the door stops reading from it, in bytes. Default 32 MiB. */
  readonly maxUnansweredBytes?: number;
}

type AnyServerCall = Pick<ServerUnaryCall<unknown, unknown>, 'getPeer' | 'getHost'> & {
  on(event: 'cancelled', listener: () => void): unknown;
};

const UNARY_BROKER = { Metadata: 'metadata', ListOffsets: 'listOffsets', InitProducerId: 'initProducerId' } as const;
const UNARY_ADMIN = {
  CreateTopics: 'createTopics',
  DeleteTopics: 'deleteTopics',
  CreatePartitions: 'createPartitions',
  DescribeReplicas: 'describeReplicas',
  DescribeCluster: 'describeCluster',
  Kafka: 'kafka',
} as const;

/** Serves the client door, `ottla.v1.Broker` and `ottla.v1.Admin`, on a server. */
export function serveDoor(server: GrpcServer, handlers: DoorHandlers, options: ServeDoorOptions): void {
  const streamOptions = { clock: options.clock, limits: DEFAULT_LIMITS };
  const endStreams = new Map<object, () => void>();
  const keep = (call: AnyServerCall, end: () => void): void => {
    endStreams.set(call, end);
    call.on('cancelled', () => endStreams.delete(call));
  };
  server.onClosing(() => {
    for (const end of endStreams.values()) end();
  });
  server.addService(brokerService, {
    ...unary(brokerService, handlers, UNARY_BROKER),
    Produce: (call: ServerDuplexStream<door.ProduceRequest, door.ProduceResponse>) => {
      const stream = acceptStream(produceServerFraming, call, streamOptions);
      keep(call, answerProduces(stream, handlers, doorCall(call), options.maxUnansweredBytes));
    },
    Fetch: (call: ServerDuplexStream<door.FetchRequest, door.FetchResponse>) => {
      const stream = acceptStream(fetchServerFraming, call, streamOptions);
      const session = new FetchSession(stream, handlers, doorCall(call), options.clock);
      keep(call, () => session.close());
    },
  });
  server.addService(adminService, unary(adminService, handlers, UNARY_ADMIN));
}

type UnaryHandler = (call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) => void;
type UnaryName = (typeof UNARY_BROKER)[keyof typeof UNARY_BROKER] | (typeof UNARY_ADMIN)[keyof typeof UNARY_ADMIN];

function unary(
  service: ServiceDefinition,
  handlers: DoorHandlers,
  names: Readonly<Record<string, UnaryName>>,
): Record<string, UnaryHandler> {
  return Object.fromEntries(
    Object.keys(service)
      .filter((method) => method in names)
      .map((method) => {
        const name = names[method]!;
        const handle = handlers[name].bind(handlers) as (request: object, call: DoorCall) => Promise<object>;
        return [method, unaryHandler(handle)];
      }),
  );
}

function unaryHandler(handle: (request: object, call: DoorCall) => Promise<object>): UnaryHandler {
  return async (call, answer) => {
    try {
      answer(null, await handle(call.request, doorCall(call)));
    } catch (error) {
      answer(toStatus(toOttlaError(error)));
    }
  };
}

function doorCall(call: AnyServerCall): DoorCall {
  const abort = new AbortController();
  call.on('cancelled', () => abort.abort());
  return { remote: call.getPeer(), local: parseAuthority(call.getHost()), signal: abort.signal };
}

function parseAuthority(authority: string): DoorCall['local'] {
  const match = /^\[?(.*?)\]?(?::(\d+))?$/.exec(authority);
  return { host: match?.[1] ?? '', port: Number(match?.[2] ?? 0) };
}
