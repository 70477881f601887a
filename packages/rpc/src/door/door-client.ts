import type { Client, Metadata, ServiceDefinition } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import type { Clock } from '@ottla/runtime';
import type * as door from '../generated/door';
import {
  type ChannelSettings,
  DEFAULT_MAX_MESSAGE_BYTES,
  type KeepAlive,
  methodOf,
  openChannel,
} from '../stream/channel';
import { openStream } from '../stream/client-call';
import { grpc } from '../stream/grpc';
import { DEFAULT_LIMITS, type Framing, type MessageStream } from '../stream/message-stream';
import type { OutboxLimits } from '../stream/outbox';
import { fromStatus } from '../stream/status';
import { consumerFraming, producerFraming } from './framing';
import { adminService, brokerService } from './services';

export interface DoorClientOptions {
  readonly clock: Clock;
  /** How long a stream may take to be accepted, in ms. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default: a sign of life after 10 s without one, within 10 s. */
  readonly keepAlive?: KeepAlive;
  /** Largest message, in bytes. Default 128 MiB. */
  readonly maxMessageBytes?: number;
  /** How much a stream queues. */
  readonly limits?: OutboxLimits;
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type ProduceStream = MessageStream<door.ProduceEntry, door.ProduceResult>;
export type FetchStream = MessageStream<door.FetchRequest, door.FetchResult>;

/** One broker's gRPC services. Calls reject with an OttlaError. */
export interface DoorClient {
  /** host:port */
  readonly address: string;
  metadata(request: door.MetadataRequest, options: CallOptions): Promise<door.MetadataResponse>;
  listOffsets(request: door.ListOffsetsRequest, options: CallOptions): Promise<door.ListOffsetsResponse>;
  initProducerId(request: door.InitProducerIdRequest, options: CallOptions): Promise<door.InitProducerIdResponse>;
  createTopics(request: door.CreateTopicsRequest, options: CallOptions): Promise<door.CreateTopicsResponse>;
  deleteTopics(request: door.DeleteTopicsRequest, options: CallOptions): Promise<door.DeleteTopicsResponse>;
  createPartitions(request: door.CreatePartitionsRequest, options: CallOptions): Promise<door.CreatePartitionsResponse>;
  describeReplicas(request: door.DescribeReplicasRequest, options: CallOptions): Promise<door.DescribeReplicasResponse>;
  describeCluster(request: door.DescribeClusterRequest, options: CallOptions): Promise<door.DescribeClusterResponse>;
  kafka(request: door.KafkaFrame, options: CallOptions): Promise<door.KafkaFrame>;
  produce(): ProduceStream;
  /** On a connection of its own, so that records on their way in don't delay anything else. */
  fetch(): FetchStream;
  close(): void;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_KEEP_ALIVE: KeepAlive = { afterMs: 10_000, timeoutMs: 10_000 };

/** Connects when first asked for something, and again after a connection broke. */
export function doorClient(address: string, options: DoorClientOptions): DoorClient {
  return new GrpcDoorClient(address, options);
}

class GrpcDoorClient implements DoorClient {
  readonly address: string;
  readonly #options: Required<DoorClientOptions>;
  readonly #streams = new Set<{ close(): void }>();
  #channel: Client | null = null;
  #fetchChannel: Client | null = null;
  #closed = false;

  constructor(address: string, options: DoorClientOptions) {
    this.address = address;
    this.#options = {
      connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
      keepAlive: DEFAULT_KEEP_ALIVE,
      maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
      limits: DEFAULT_LIMITS,
      ...options,
    };
  }

  metadata = this.#unary<door.MetadataRequest, door.MetadataResponse>(brokerService, 'Metadata');
  listOffsets = this.#unary<door.ListOffsetsRequest, door.ListOffsetsResponse>(brokerService, 'ListOffsets');
  initProducerId = this.#unary<door.InitProducerIdRequest, door.InitProducerIdResponse>(
    brokerService,
    'InitProducerId',
  );
  createTopics = this.#unary<door.CreateTopicsRequest, door.CreateTopicsResponse>(adminService, 'CreateTopics');
  deleteTopics = this.#unary<door.DeleteTopicsRequest, door.DeleteTopicsResponse>(adminService, 'DeleteTopics');
  createPartitions = this.#unary<door.CreatePartitionsRequest, door.CreatePartitionsResponse>(
    adminService,
    'CreatePartitions',
  );
  describeReplicas = this.#unary<door.DescribeReplicasRequest, door.DescribeReplicasResponse>(
    adminService,
    'DescribeReplicas',
  );
  describeCluster = this.#unary<door.DescribeClusterRequest, door.DescribeClusterResponse>(
    adminService,
    'DescribeCluster',
  );
  kafka = this.#unary<door.KafkaFrame, door.KafkaFrame>(adminService, 'Kafka');

  produce(): ProduceStream {
    return this.#open(producerFraming, 'Produce', this.#mainChannel());
  }

  fetch(): FetchStream {
    this.#checkOpen();
    this.#fetchChannel ??= openChannel(this.address, this.#settings());
    return this.#open(consumerFraming, 'Fetch', this.#fetchChannel);
  }

  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.close();
    this.#channel?.close();
    this.#fetchChannel?.close();
  }

  #unary<Request, Response>(service: ServiceDefinition, name: string) {
    const method = methodOf<Request, Response>(service, name);
    return (request: Request, { timeoutMs, signal }: CallOptions): Promise<Response> =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const { path, requestSerialize, responseDeserialize } = method;
        const deadline = { deadline: deadlineIn(timeoutMs) };
        const call = this.#mainChannel().makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          deadline,
          (error, response) => {
            signal?.removeEventListener('abort', cancel);
            if (signal?.aborted) reject(signal.reason);
            else if (error !== null) reject(fromStatus(error, this.address));
            else resolve(response as Response);
          },
        );
        const cancel = (): void => call.cancel();
        signal?.addEventListener('abort', cancel);
      });
  }

  #open<Send, Receive, Out, In>(
    framing: Framing<Send, Receive, Out, In>,
    name: string,
    client: Client,
  ): MessageStream<Send, Receive> {
    const stream = openStream(framing, {
      ...this.#options,
      remote: this.address,
      client,
      method: methodOf<Out, In>(brokerService, name),
      metadata: emptyMetadata(),
      onReleased: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  #mainChannel(): Client {
    this.#checkOpen();
    this.#channel ??= openChannel(this.address, this.#settings());
    return this.#channel;
  }

  #settings(): ChannelSettings {
    return this.#options;
  }

  #checkOpen(): void {
    if (this.#closed) throw new OttlaError('NETWORK_EXCEPTION', `the connection to ${this.address} was closed`);
  }
}

function emptyMetadata(): Metadata {
  return new (grpc().Metadata)();
}

/** grpc-js takes deadlines in wall time. */
function deadlineIn(timeoutMs: number): number {
  return Date.now() + timeoutMs;
}
