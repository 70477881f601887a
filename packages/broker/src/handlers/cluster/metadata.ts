import type { BrokerRegistration, ClusterImage, TopicRecord } from '@ottla/metadata';
import {
  apis,
  ErrorCode,
  type MetadataRequest,
  type MetadataResponse,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { advertisedEndpoint } from '../advertised';
import { AUTHORIZED_OPERATIONS } from '../authorized-operations';
import { type Connection, defineHandler, type HandlerRequest } from '../handler';
import { knownBrokers, listedBrokers } from '../known-brokers';
import { awaitNewLeaders } from '../leader-news';
import { findTopic, NO_TOPIC_ID, partitionRecord } from '../topic-lookup';
import { autoCreateTopic, requireTopicName } from '../topics/topic-creation';

type TopicAsked = NonNullable<MetadataRequest['topics']>[number];
type TopicDescribed = MetadataResponse['topics'][number];

/** Topics created at a time for one request. */
const CREATIONS_AT_ONCE = 16;
/** From here on a partition whose leader lacks the client's listener is told apart from one without a leader. */
const LISTENER_NOT_FOUND_VERSION = 6;
/** From here on a topic may be asked for by its id alone. */
const BY_ID_VERSION = 12;

/** Which brokers there are and who leads what. Creates topics that don't exist, when that is allowed. */
export const metadata = defineHandler(apis.Metadata, {
  async handle(request, services) {
    const { body, header } = request;
    const everything = body.topics === null || (header.apiVersion === 0 && body.topics.length === 0);
    const asked = everything ? null : body.topics!;
    const refused = asked === null ? new Map<string, OttlaError>() : await createMissing(asked, body, services);
    if (asked !== null) await awaitNewLeaders(existing(asked, services.image()), request.connection, services);
    const image = services.image();
    const view = new MetadataView(request, services, image);
    return view.answer(
      (asked ?? allTopics(image)).map((topic) => describe(topic, image, view, refused, header.apiVersion)),
    );
  },

  failure: (request, error) => ({
    brokers: [],
    topics: (request.body.topics ?? []).map((topic) => unknown(topic, error)),
    errorCode: error.errorCode,
  }),
});

function allTopics(image: ClusterImage): TopicAsked[] {
  return [...image.topics.keys()].map((name) => ({ name, topicId: NO_TOPIC_ID }));
}

function existing(asked: readonly TopicAsked[], image: ClusterImage): TopicRecord[] {
  return asked.map((topic) => findTopic(image, topic)).filter((topic) => topic !== null);
}

/** Answers why topics couldn't be created, by name. */
async function createMissing(
  asked: readonly TopicAsked[],
  body: MetadataRequest,
  services: BrokerServices,
): Promise<Map<string, OttlaError>> {
  const refused = new Map<string, OttlaError>();
  if (!body.allowAutoTopicCreation || !services.config['auto.create.topics.enable']) return refused;
  const image = services.image();
  const names = asked.flatMap((topic) => (topic.name === null || image.topics.has(topic.name) ? [] : [topic.name]));
  const missing = [...new Set(names)];
  while (missing.length > 0) {
    await Promise.all(missing.splice(0, CREATIONS_AT_ONCE).map((name) => create(name, services, refused)));
  }
  return refused;
}

async function create(name: string, services: BrokerServices, refused: Map<string, OttlaError>): Promise<void> {
  try {
    requireTopicName(name);
    await autoCreateTopic(services, name);
  } catch (thrown) {
    const error = toOttlaError(thrown);
    refused.set(name, error);
    if (error.code === 'INVALID_TOPIC_EXCEPTION' || error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return;
    services.logger.warn(`topic ${name} could not be created on demand: ${error.message}`);
  }
}

function describe(
  asked: TopicAsked,
  image: ClusterImage,
  view: MetadataView,
  refused: ReadonlyMap<string, OttlaError>,
  apiVersion: number,
): TopicDescribed {
  if (asked.name === null && apiVersion < BY_ID_VERSION) {
    return unknown({ ...asked, name: '' }, new OttlaError('INVALID_REQUEST', 'a topic without a name'));
  }
  const topic = findTopic(image, asked);
  if (topic !== null) return view.topic(topic);
  const failure = asked.name === null ? null : refused.get(asked.name);
  return unknown(asked, failure ?? missing(asked));
}

function missing(asked: TopicAsked): OttlaError {
  try {
    if (asked.name !== null) requireTopicName(asked.name);
  } catch (error) {
    return toOttlaError(error);
  }
  const code = asked.name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION';
  return new OttlaError(code, `there is no topic ${asked.name ?? asked.topicId}`);
}

function unknown(asked: TopicAsked, error: OttlaError): TopicDescribed {
  // A creation that takes longer than the client wants to wait: it shall ask again.
  const code = error.code === 'REQUEST_TIMED_OUT' ? ErrorCode.LEADER_NOT_AVAILABLE : error.errorCode;
  return { errorCode: code, name: asked.name, topicId: asked.topicId, partitions: [] };
}

/** The image as one client may see it: with addresses that it can reach. */
class MetadataView {
  private readonly brokers: ReadonlyMap<number, BrokerRegistration>;
  private readonly connection: Connection;
  private readonly listed: ReadonlyMap<number, BrokerRegistration>;
  private readonly addresses = new Map<number, { host: string; port: number }>();
  private readonly leaderless: number;

  constructor(
    private readonly request: HandlerRequest<MetadataRequest>,
    private readonly services: BrokerServices,
    private readonly image: ClusterImage,
  ) {
    this.connection = request.connection;
    this.brokers = knownBrokers(services, image);
    this.leaderless =
      request.header.apiVersion < LISTENER_NOT_FOUND_VERSION
        ? ErrorCode.LEADER_NOT_AVAILABLE
        : ErrorCode.LISTENER_NOT_FOUND;
    this.listed = listedBrokers(services, image);
    for (const [broker, registration] of this.listed) {
      const address = advertisedEndpoint(registration, image, services, this.connection);
      if (address !== null) this.addresses.set(broker, address);
    }
  }

  answer(topics: TopicDescribed[]): MetadataResponse {
    const { includeClusterAuthorizedOperations } = this.request.body;
    const controller = this.image.controller?.value.broker ?? this.services.self.broker;
    const brokers = [...this.addresses].map(([nodeId, { host, port }]) => {
      return { nodeId, host, port, rack: this.listed.get(nodeId)!.rack };
    });
    return {
      brokers: brokers.sort((a, b) => a.nodeId - b.nodeId),
      clusterId: this.services.clusterId,
      controllerId: this.brokers.has(controller) && this.addresses.has(controller) ? controller : -1,
      topics,
      ...(includeClusterAuthorizedOperations && { clusterAuthorizedOperations: AUTHORIZED_OPERATIONS.cluster }),
      errorCode: ErrorCode.NONE,
    };
  }

  topic(topic: TopicRecord): TopicDescribed {
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => this.partition(topic, partition));
    return {
      errorCode: ErrorCode.NONE,
      name: topic.name,
      topicId: topic.topicId,
      isInternal: topic.internal,
      partitions,
      ...(this.request.body.includeTopicAuthorizedOperations && {
        topicAuthorizedOperations: AUTHORIZED_OPERATIONS.topic,
      }),
    };
  }

  private partition(topic: TopicRecord, partitionIndex: number): TopicDescribed['partitions'][number] {
    const record = partitionRecord(this.image, topic.topicId, partitionIndex);
    if (record === null) {
      const errorCode = ErrorCode.LEADER_NOT_AVAILABLE;
      return { errorCode, partitionIndex, leaderId: -1, replicaNodes: [], isrNodes: [], offlineReplicas: [] };
    }
    const { leader, leaderEpoch, replicas, isr } = record;
    const serving = leader !== null && this.brokers.get(leader.broker)?.run === leader.run;
    const errorCode = !serving
      ? ErrorCode.LEADER_NOT_AVAILABLE
      : this.addresses.has(leader.broker)
        ? ErrorCode.NONE
        : this.leaderless;
    return {
      errorCode,
      partitionIndex,
      leaderId: errorCode === ErrorCode.NONE ? leader!.broker : -1,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr.map((replica) => replica.broker),
      offlineReplicas: replicas.filter((broker) => !this.brokers.has(broker)),
    };
  }
}
