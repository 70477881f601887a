import type { PartitionRecord } from '@ottla/replication';
import {
  absentOr,
  count,
  flag,
  instant,
  listOf,
  objectOf,
  oneOf,
  optional,
  recordCodec,
  text,
  textMap,
} from './record-codec';
import type {
  BrokerRegistration,
  ConfigRecord,
  ControllerClaim,
  DeletionRecord,
  GenerationRecord,
  LastRunRecord,
  ProducerIdsRecord,
  TopicRecord,
} from './records';

const endpoint = objectOf({ host: text, port: count });
const listenerEndpoint = objectOf({ listener: text, host: text, port: count });
const replicaId = objectOf({ broker: count, logId: text });
const leader = objectOf({ broker: count, run: text });

export const generationCodec = recordCodec<GenerationRecord>({ clusterId: text, generation: count });

export const brokerRegistrationCodec = recordCodec<BrokerRegistration>({
  broker: count,
  run: text,
  logIds: listOf(text),
  state: oneOf('active', 'draining'),
  rack: optional(text),
  kafka: listOf(listenerEndpoint),
  grpc: endpoint,
  peer: endpoint,
  startedAt: instant,
});

export const lastRunCodec = recordCodec<LastRunRecord>({ broker: count, run: text, starts: count });

export const controllerClaimCodec = recordCodec<ControllerClaim>({ broker: count, run: text, epoch: count });

export const topicRecordCodec = recordCodec<TopicRecord>({
  name: text,
  topicId: text,
  partitions: count,
  configs: textMap,
  internal: flag,
});

export const partitionRecordCodec = recordCodec<PartitionRecord>({
  replicas: listOf(count),
  adding: listOf(count),
  removing: listOf(count),
  original: absentOr(listOf(count)),
  removed: absentOr(listOf(count)),
  leader: optional(leader),
  leaderEpoch: count,
  isr: listOf(replicaId),
  elr: listOf(replicaId),
  minIsr: count,
  lastKnownLeader: optional(replicaId),
  unclean: flag,
});

export const deletionRecordCodec = recordCodec<DeletionRecord>({
  topicId: text,
  name: text,
  partitions: count,
  brokers: listOf(count),
});

export const producerIdsCodec = recordCodec<ProducerIdsRecord>({ nextProducerId: count, broker: count, run: text });

export const configRecordCodec = recordCodec<ConfigRecord>({ configs: textMap });
