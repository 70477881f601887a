import type { ClusterImage, TopicRecord } from '@ottla/metadata';
import type { BrokerServices } from '../services';
import type { Connection } from './handler';
import { imageWhen } from './image-wait';
import { partitionRecord } from './topic-lookup';

type Process = { readonly broker: number; readonly run: string };

/**
 * A client that asks again is likely to have lost its leader this instant. Within so long this broker has noticed, too,
 * what broke at the same time.
 */
const NOTICE_MS = 10;

/** Connections on which leaders were asked for before. */
const asked = new WeakSet<Connection>();

/**
 * Waits for the next leader of what is led by a process that may have just died. A client that is told of the dead one
 * would try that, and some (librdkafka) would ask again only a second later. Takes no longer than the doubt lasts.
 */
export async function awaitNewLeaders(
  topics: readonly TopicRecord[],
  connection: Connection,
  services: BrokerServices,
): Promise<void> {
  const { clock } = services;
  if (leadersOf(topics, services.image(), services.self).length === 0) return;
  if (asked.has(connection)) await clock.sleep(NOTICE_MS);
  asked.add(connection);
  const remainingMs = doubtMs(leadersOf(topics, services.image(), services.self), services);
  if (remainingMs === 0) return;
  const settled = (image: ClusterImage): boolean => doubtMs(leadersOf(topics, image, services.self), services) === 0;
  await imageWhen(services, settled, remainingMs);
}

function doubtMs(leaders: readonly Process[], { doubts }: BrokerServices): number {
  return leaders.reduce((longest, leader) => Math.max(longest, doubts.remainingMs(leader)), 0);
}

/** The processes, other than this one, that lead a partition of these topics. */
function leadersOf(topics: readonly TopicRecord[], image: ClusterImage, self: Process): Process[] {
  const leaders = new Map<string, Process>();
  for (const { topicId, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const leader = partitionRecord(image, topicId, partition)?.leader;
      if (leader != null && leader.run !== self.run) leaders.set(leader.run, leader);
    }
  }
  return [...leaders.values()];
}
