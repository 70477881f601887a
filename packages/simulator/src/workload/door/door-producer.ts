import type { Acks, PartitionRef } from '../../history/events';
import type { ActorContext } from '../actor';
import type { ProduceTransport } from '../producers/lane';
import { Producer, type ProducerSettings } from '../producers/producer';
import { DoorClient } from './door-client';

const PRODUCE_TIMEOUT_MS = 1_000;

/** Produces through the handlers of the gRPC door, which know topics by name. */
class DoorProduceTransport implements ProduceTransport {
  constructor(private readonly client: DoorClient) {}

  topicId(topic: string): string | null {
    return this.client.topicId(topic);
  }

  isMissing(): boolean {
    return false;
  }

  prepare(topic: string, partition: number): Promise<number | null> {
    return Promise.resolve(this.client.leader(topic, partition)?.leader ?? null);
  }

  async send(broker: number, to: PartitionRef, acks: Acks, bytes: Uint8Array): Promise<{ baseOffset: number }> {
    const { topic, partition } = to;
    const entry = { id: 0, topic, partition, acks, timeoutMs: PRODUCE_TIMEOUT_MS - 200, records: bytes.slice() };
    const answer = await this.client.link(broker).call('produce', entry, PRODUCE_TIMEOUT_MS);
    return { baseOffset: answer.baseOffset };
  }

  refresh(topic: string): Promise<void> {
    return this.client.refresh(topic);
  }
}

/** A producer at the gRPC door. */
export function doorProducer(context: ActorContext, settings: ProducerSettings): Producer {
  const client = new DoorClient(context);
  return new Producer(context, settings, new DoorProduceTransport(client), async () => {
    const request = { producerId: -1, producerEpoch: -1 };
    const { producerId, producerEpoch } = await client.askAny((link) => {
      return link.call('initProducerId', request, PRODUCE_TIMEOUT_MS);
    });
    return { producerId, producerEpoch };
  });
}
