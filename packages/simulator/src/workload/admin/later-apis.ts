import type { AnyApi } from '@ottla/protocol';
import { listOffset } from '../readers/list-offset';
import type { AdminClient } from './admin-client';

const TIMEOUT_MS = 1_500;
const TOPIC_RESOURCE = 2;
const SET = 0;
const PREFERRED = 0;
const UNCLEAN = 1;

/** The requests below are made where ApiVersions promises them; null otherwise. */
export async function reassign(
  admin: AdminClient,
  topic: string,
  partition: number,
  replicas: readonly number[],
): Promise<string | null> {
  const api = await admin.optional('AlterPartitionReassignments');
  if (api === null) return null;
  const partitions = [{ partitionIndex: partition, replicas: [...replicas] }];
  const body = { timeoutMs: TIMEOUT_MS, topics: [{ name: topic, partitions }] };
  const request = `reassign ${topic}-${partition} to ${replicas.join(',')}`;
  return admin.ask(request, topic, api, newest(api), body, (answer) => {
    return answer.errorCode || answer.responses[0]?.partitions[0]?.errorCode;
  });
}

export async function alterConfig(
  admin: AdminClient,
  topic: string,
  name: string,
  value: string,
): Promise<string | null> {
  const api = await admin.optional('IncrementalAlterConfigs');
  if (api === null) return null;
  const configs = [{ name, configOperation: SET, value }];
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }];
  const request = `set ${name}=${value} on ${topic}`;
  return admin.ask(request, topic, api, newest(api), { resources, validateOnly: false }, (answer) => {
    return answer.responses[0]?.errorCode;
  });
}

export async function electLeaders(
  admin: AdminClient,
  topic: string,
  partition: number,
  unclean: boolean,
): Promise<string | null> {
  const api = await admin.optional('ElectLeaders');
  if (api === null) return null;
  const topicPartitions = [{ topic, partitions: [partition] }];
  const body = { electionType: unclean ? UNCLEAN : PREFERRED, topicPartitions, timeoutMs: TIMEOUT_MS };
  const request = `elect the ${unclean ? 'unclean' : 'preferred'} leader of ${topic}-${partition}`;
  return admin.ask(request, topic, api, newest(api), body, (answer) => {
    return answer.errorCode || answer.replicaElectionResults[0]?.partitionResult[0]?.errorCode;
  });
}

/** Goes to the leader, as this one does. */
export async function deleteRecords(
  admin: AdminClient,
  topic: string,
  partition: number,
  tenths: number,
): Promise<string | null> {
  const api = await admin.optional('DeleteRecords');
  if (api === null) return null;
  const { client } = admin;
  await client.refresh(topic);
  const topicId = client.topic(topic)?.topicId;
  const leader = client.leader(topic, partition);
  if (topicId === undefined || leader === null) return 'LEADER_NOT_AVAILABLE';
  const to = { topic, topicId, partition };
  const { offset: end } = await listOffset(admin.context, client, to, leader, 'latest');
  const before = Math.floor((end * tenths) / 10);
  return admin.deleteRecords(api, newest(api), to, leader.leader, before);
}

function newest(api: AnyApi): number {
  return api.maxVersion;
}
