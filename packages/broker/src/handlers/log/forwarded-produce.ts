import type { TopicRecord } from '@ottla/metadata';
import { type BatchHeader, ErrorCode, type ProduceRequest, toOttlaError } from '@ottla/protocol';
import type { ProducedPartition } from '../../peers/produce-forwarder';
import type { BrokerServices } from '../../services';
import { advertisedEndpoint } from '../advertised';
import type { Connection, HandlerRequest } from '../handler';
import { partitionRecord } from '../topic-lookup';

/** A produce to a partition that this broker doesn't lead, or stopped leading before it was acknowledged. */
export interface MovedProduce {
  readonly topic: TopicRecord;
  readonly index: number;
  readonly records: Uint8Array | null;
  readonly acks: 0 | 1 | -1;
  /** What was being appended here; empty when nothing was. */
  readonly appending: readonly BatchHeader[];
  readonly request: HandlerRequest<ProduceRequest>;
}

/** The next leader's answer. */
export interface Forwarded {
  readonly answer: ProducedPartition;
  /**
   * Whether the client should be told of the next leader by this answer. Not while others of its produces are under way: it
   * would wait for them before it goes there, and librdkafka then connects a second late.
   */
  readonly tells: boolean;
}

/** Forwarded produces under way, by connection. */
const underWay = new WeakMap<Connection, number>();

/**
 * While this broker leaves, a produce to what it has just handed over is put to the next leader, so that a planned restart
 * is no error to the client, nor a pause before it tries again. What was being appended here may have reached the next
 * leader: only an idempotent producer's batch, which is recognised there, is forwarded then.
 * @returns null when it wasn't produced so.
 */
export async function forwardToNext(moved: MovedProduce, services: BrokerServices): Promise<Forwarded | null> {
  const { topic, index, records, acks, request } = moved;
  const address = isLeaving(services) && mayForward(moved) ? nextLeader(moved, services) : null;
  if (address === null || records === null || acks === 0) return null;
  const { clientId } = request.header;
  count(request.connection, 1);
  const timeoutMs = Math.max(request.body.timeoutMs, 0);
  try {
    const produce = { clientId, topic: topic.name, partition: index, records, acks, timeoutMs };
    const answer = await services.forwarder.forward(address, produce);
    const isLast = underWay.get(request.connection) === 1;
    return answer.errorCode === ErrorCode.NONE ? { answer, tells: isLast } : null;
  } catch (error) {
    services.logger.debug(`${topic.name}-${index}: ${toOttlaError(error).message}`);
    return null;
  } finally {
    count(request.connection, -1);
  }
}

function count(connection: Connection, by: 1 | -1): void {
  underWay.set(connection, (underWay.get(connection) ?? 0) + by);
}

/** Not when its registration is gone: a process that was paused could put what its client has long given up. */
function isLeaving({ image, self }: BrokerServices): boolean {
  return image().brokers.get(self.broker)?.value.state === 'draining';
}

function mayForward({ appending }: MovedProduce): boolean {
  return appending.every(({ producerId }) => producerId >= 0);
}

function nextLeader({ topic, index, request }: MovedProduce, services: BrokerServices) {
  const image = services.image();
  const leader = partitionRecord(image, topic.topicId, index)?.leader ?? null;
  if (leader === null || leader.run === services.self.run) return null;
  const registration = image.brokers.get(leader.broker)?.value;
  if (registration?.run !== leader.run) return null;
  return advertisedEndpoint(registration, image, services, request.connection);
}
