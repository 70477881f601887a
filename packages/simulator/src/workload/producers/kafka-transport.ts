import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import type { Acks, PartitionRef } from '../../history/events';
import type { WireClient } from '../wire/wire-client';
import type { ProduceTransport } from './lane';

/** From here on a request names topics by id, so that it can't reach another incarnation of the topic. */
const BY_ID_VERSION = 13;
const BY_NAME_VERSION = 10;

/** Produces through the Kafka door. */
export class KafkaProduceTransport implements ProduceTransport {
  constructor(
    private readonly client: WireClient,
    /** How long a broker may wait for its followers, in ms. */
    private readonly timeoutMs: number,
    private readonly byId: boolean,
  ) {}

  topicId(topic: string): string | null {
    return this.client.topic(topic)?.topicId ?? null;
  }

  isMissing(topic: string): boolean {
    return this.client.isMissing(topic);
  }

  async prepare(topic: string, partition: number): Promise<number | null> {
    const leader = this.client.leader(topic, partition);
    if (leader === null) return null;
    await this.client.connect(leader.leader);
    return leader.leader;
  }

  async send(broker: number, to: PartitionRef, acks: Acks, bytes: Uint8Array): Promise<{ baseOffset: number }> {
    const { client, byId, timeoutMs } = this;
    const version = byId ? BY_ID_VERSION : BY_NAME_VERSION;
    // The broker stamps the batch in place where both sides share memory.
    const partitionData = [{ index: to.partition, records: bytes.slice() }];
    const topicData = [{ name: to.topic, topicId: to.topicId, partitionData }];
    const body = { transactionalId: null, acks, timeoutMs, topicData };
    if (acks === 0) {
      client.tell(broker, apis.Produce, version, body);
      return { baseOffset: -1 };
    }
    const answer = await client.askNow(broker, apis.Produce, version, body);
    const result = answer.responses[0]?.partitionResponses[0];
    if (result === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'the answer lacks the partition');
    if (result.errorCode === ErrorCode.NONE) return { baseOffset: result.baseOffset };
    const { currentLeader } = result;
    if (currentLeader) client.noteLeader(to.topic, to.partition, currentLeader.leaderId, currentLeader.leaderEpoch);
    throw new OttlaError(errorName(result.errorCode), result.errorMessage ?? errorName(result.errorCode));
  }

  refresh(topic: string): Promise<void> {
    return this.client.refresh(topic);
  }
}
