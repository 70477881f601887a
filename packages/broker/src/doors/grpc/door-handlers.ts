import type { ClusterImage, Endpoint } from '@ottla/metadata';
import { apis, ErrorCode, errorName, type MetadataResponse, OttlaError } from '@ottla/protocol';
import type { DoorCall, DoorHandlers, door, FetchedRecords, FetchRead, Produced } from '@ottla/rpc';
import type { ApiRegistry } from '../../handlers/registry';
import { NO_TOPIC_ID } from '../../handlers/topic-lookup';
import type { BrokerServices } from '../../services';
import { grpcEndpoint } from './addresses';
import { ApiCaller } from './api-caller';
import { replicaStates } from './replica-states';

/** Of each API the version whose fields name topics, and which the translations below are written for. */
const VERSIONS = {
  Produce: 12,
  Fetch: 12,
  ListOffsets: 9,
  Metadata: 12,
  InitProducerId: 4,
  CreateTopics: 7,
  DeleteTopics: 5,
  CreatePartitions: 3,
};

const NO_CONTROLLER = { broker: -1, epoch: -1 };

/** The gRPC door: each call is put as a Kafka request to the same handlers, and its response put into the door's messages. */
export class GrpcDoorHandlers implements DoorHandlers {
  private readonly caller: ApiCaller;

  constructor(
    registry: ApiRegistry,
    private readonly services: BrokerServices,
    /** The Kafka listener that has this port, null when none has. */
    private readonly kafkaListenerAt: (port: number) => string | null,
  ) {
    this.caller = new ApiCaller(registry, services);
  }

  async metadata(request: door.MetadataRequest, call: DoorCall): Promise<door.MetadataResponse> {
    const topics = request.allTopics ? null : request.topics.map((name) => ({ name, topicId: NO_TOPIC_ID }));
    const body = {
      topics,
      allowAutoTopicCreation: request.allowAutoTopicCreation,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const response = await this.caller.call(apis.Metadata, VERSIONS.Metadata, body, call);
    const image = this.services.image();
    return {
      clusterId: this.services.clusterId,
      controllerId: response.controllerId ?? -1,
      brokers: this.brokerAddresses(image, call),
      topics: response.topics.map((topic) => topicMetadata(topic, image)),
    };
  }

  async listOffsets(request: door.ListOffsetsRequest, call: DoorCall): Promise<door.ListOffsetsResponse> {
    const topics = request.entries.map(({ topic, partition, timestamp, currentLeaderEpoch }) => ({
      name: topic,
      partitions: [{ partitionIndex: partition, timestamp, currentLeaderEpoch }],
    }));
    const body = { replicaId: -1, isolationLevel: request.readCommitted ? 1 : 0, topics, timeoutMs: 0 };
    const response = await this.caller.call(apis.ListOffsets, VERSIONS.ListOffsets, body, call);
    const results = response.topics.flatMap((topic) =>
      topic.partitions.map((found) => ({
        topic: topic.name,
        partition: found.partitionIndex,
        errorCode: found.errorCode,
        errorMessage: describe(found.errorCode, `${topic.name}-${found.partitionIndex}`),
        offset: found.offset ?? -1,
        timestamp: found.timestamp ?? -1,
        leaderEpoch: found.leaderEpoch ?? -1,
      })),
    );
    return { results };
  }

  async initProducerId(request: door.InitProducerIdRequest, call: DoorCall): Promise<door.InitProducerIdResponse> {
    const { producerId, producerEpoch } = request;
    const body = { transactionalId: null, transactionTimeoutMs: 0, producerId, producerEpoch };
    const response = await this.caller.call(apis.InitProducerId, VERSIONS.InitProducerId, body, call);
    throwIfError(response.errorCode, null, 'a producer id');
    return { producerId: response.producerId ?? -1, producerEpoch: response.producerEpoch };
  }

  async createTopics(request: door.CreateTopicsRequest, call: DoorCall): Promise<door.CreateTopicsResponse> {
    const topics = request.topics.map((topic) => ({
      name: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      assignments: topic.assignments.map(({ partition, brokers }) => ({
        partitionIndex: partition,
        brokerIds: brokers,
      })),
      configs: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
    }));
    const body = { topics, timeoutMs: request.timeoutMs, validateOnly: request.validateOnly };
    const response = await this.caller.call(apis.CreateTopics, VERSIONS.CreateTopics, body, call);
    return {
      topics: response.topics.map((topic) => ({
        name: topic.name,
        topicId: topic.topicId ?? NO_TOPIC_ID,
        errorCode: topic.errorCode,
        errorMessage: topic.errorMessage ?? describe(topic.errorCode, topic.name),
        partitions: Math.max(0, topic.numPartitions ?? 0),
        replicationFactor: Math.max(0, topic.replicationFactor ?? 0),
      })),
    };
  }

  async deleteTopics(request: door.DeleteTopicsRequest, call: DoorCall): Promise<door.DeleteTopicsResponse> {
    const body = { topics: [], topicNames: [...request.names], timeoutMs: request.timeoutMs };
    const response = await this.caller.call(apis.DeleteTopics, VERSIONS.DeleteTopics, body, call);
    return {
      topics: response.responses.map((topic) => topicResult(topic.name ?? '', topic.errorCode, topic.errorMessage)),
    };
  }

  async createPartitions(
    request: door.CreatePartitionsRequest,
    call: DoorCall,
  ): Promise<door.CreatePartitionsResponse> {
    const topics = request.topics.map((topic) => ({
      name: topic.name,
      count: topic.count,
      assignments:
        topic.assignments.length === 0 ? null : topic.assignments.map(({ brokers }) => ({ brokerIds: brokers })),
    }));
    const body = { topics, timeoutMs: request.timeoutMs, validateOnly: request.validateOnly };
    const response = await this.caller.call(apis.CreatePartitions, VERSIONS.CreatePartitions, body, call);
    return { topics: response.results.map((topic) => topicResult(topic.name, topic.errorCode, topic.errorMessage)) };
  }

  async describeReplicas(request: door.DescribeReplicasRequest): Promise<door.DescribeReplicasResponse> {
    return { broker: this.services.self.broker, replicas: replicaStates(this.services, request.topics) };
  }

  async describeCluster(_request: door.DescribeClusterRequest, call: DoorCall): Promise<door.DescribeClusterResponse> {
    const image = this.services.image();
    const controller = image.controller?.value ?? NO_CONTROLLER;
    const addresses = new Map(this.brokerAddresses(image, call).map((address) => [address.id, address]));
    const brokers = [...image.brokers.values()].map(({ value }) => ({
      id: value.broker,
      kafka: value.kafka.map(printed).join(','),
      grpc: printed(addresses.get(value.broker) ?? value.grpc),
      rack: value.rack ?? '',
      state: value.state,
      run: value.run,
      startedAt: value.startedAt,
    }));
    return {
      clusterId: this.services.clusterId,
      controllerId: controller.broker,
      controllerEpoch: controller.epoch,
      brokers: brokers.sort((a, b) => a.id - b.id),
    };
  }

  async kafka({ frame }: door.KafkaFrame, call: DoorCall): Promise<door.KafkaFrame> {
    return { frame: await this.caller.callFrame(frame, call) };
  }

  async produce(entry: door.ProduceEntry, call: DoorCall): Promise<Produced> {
    const { topic, partition, records, timeoutMs } = entry;
    const partitionData = [{ index: partition, records }];
    const body = {
      transactionalId: null,
      // The door answers an entry with acks=0 only when it fails, which the handler says with acks=1.
      acks: entry.acks === 0 ? 1 : entry.acks,
      timeoutMs,
      topicData: [{ name: topic, topicId: NO_TOPIC_ID, partitionData }],
    };
    const response = await this.caller.call(apis.Produce, VERSIONS.Produce, body, call);
    const result = response.responses[0]!.partitionResponses[0]!;
    throwIfError(result.errorCode, result.errorMessage, `${topic}-${partition}`);
    return {
      baseOffset: result.baseOffset,
      logStartOffset: result.logStartOffset ?? -1,
      logAppendTime: result.logAppendTimeMs ?? -1,
    };
  }

  async fetch(read: FetchRead, call: DoorCall): Promise<FetchedRecords> {
    const { topic, partition, offset, currentLeaderEpoch, maxBytes, maxWaitMs } = read;
    const partitions = [
      {
        ...{ partition, currentLeaderEpoch, fetchOffset: offset, lastFetchedEpoch: -1, logStartOffset: -1 },
        ...{ partitionMaxBytes: maxBytes, replicaDirectoryId: NO_TOPIC_ID, highWatermark: Number.MAX_SAFE_INTEGER },
      },
    ];
    const body = {
      ...{ clusterId: null, replicaId: -1, replicaState: { replicaId: -1, replicaEpoch: -1 } },
      ...{ maxWaitMs, minBytes: 1, maxBytes, isolationLevel: read.readCommitted ? 1 : 0 },
      ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: '' },
      topics: [{ topic, topicId: NO_TOPIC_ID, partitions }],
    };
    const response = await this.caller.call(apis.Fetch, VERSIONS.Fetch, body, call);
    throwIfError(response.errorCode ?? 0, null, `${topic}-${partition}`);
    const result = response.responses[0]!.partitions[0]!;
    throwIfError(result.errorCode, null, `${topic}-${partition}`);
    return {
      chunks: (result.records ?? []) as readonly Uint8Array[],
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset ?? -1,
      logStartOffset: result.logStartOffset ?? -1,
    };
  }

  currentLeader(topic: string, partition: number): door.CurrentLeader | null {
    const image = this.services.image();
    const topicId = image.topics.get(topic)?.value.topicId ?? NO_TOPIC_ID;
    const record = image.partitions.get(topicId)?.get(partition)?.value;
    if (record === undefined || record.leader === null) return null;
    return { leader: record.leader.broker, leaderEpoch: record.leaderEpoch };
  }

  private brokerAddresses(image: ClusterImage, call: DoorCall): door.BrokerAddress[] {
    const { config, self } = this.services;
    const shared = {
      self: image.brokers.get(self.broker)?.value ?? null,
      advertisedListeners: new Set(config['advertised.listeners'].map((listener) => listener.name)),
      grpcAdvertised: config['grpc.advertised'] !== null,
      local: call.local,
      kafkaListener: this.kafkaListenerAt(call.local.port),
    };
    return [...image.brokers.values()].map(({ value: target }) => {
      const { host, port } = grpcEndpoint({ ...shared, target });
      return { id: target.broker, host, port, rack: target.rack ?? '' };
    });
  }
}

type KafkaTopic = MetadataResponse['topics'][number];

function topicMetadata(topic: KafkaTopic, image: ClusterImage): door.TopicMetadata {
  const name = topic.name ?? '';
  const topicId = topic.topicId ?? NO_TOPIC_ID;
  return {
    errorCode: topic.errorCode,
    // Kafka's answer has no words for it.
    errorMessage:
      topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        ? `topic ${name} doesn't exist: create it, or check its name`
        : describe(topic.errorCode, name),
    name,
    topicId,
    internal: topic.isInternal ?? false,
    configs: { ...image.topics.get(name)?.value.configs },
    partitions: topic.partitions.map((partition) => ({
      errorCode: partition.errorCode,
      partition: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch ?? -1,
      replicas: [...partition.replicaNodes],
      isr: [...partition.isrNodes],
      elr: (image.partitions.get(topicId)?.get(partition.partitionIndex)?.value.elr ?? []).map((id) => id.broker),
      offlineReplicas: [...(partition.offlineReplicas ?? [])],
    })),
  };
}

function topicResult(name: string, errorCode: number, message: string | null | undefined): door.TopicResult {
  const errorMessage = message ?? describe(errorCode, name);
  return { name, topicId: NO_TOPIC_ID, errorCode, errorMessage, partitions: 0, replicationFactor: 0 };
}

function throwIfError(code: number, message: string | null | undefined, subject: string): void {
  if (code === ErrorCode.NONE) return;
  throw new OttlaError(errorName(code), message ?? describe(code, subject));
}

function describe(code: number, subject: string): string {
  return code === ErrorCode.NONE ? '' : `${subject}: ${errorName(code)}`;
}

function printed(endpoint: Endpoint): string {
  return `${endpoint.host}:${endpoint.port}`;
}
