import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import { type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { KafkaProduceTransport } from './kafka-transport';
import { type InitProducerId, Producer, type ProducerSettings } from './producer';

export interface KafkaProducerSettings extends ProducerSettings {
  readonly requestTimeoutMs: number;
  readonly sticky: boolean;
  /** Names topics by id; otherwise by name, which only suits topics that are never deleted. */
  readonly byId: boolean;
}

const VERSION = 4;

/** A producer at the Kafka door. */
export function kafkaProducer(context: ActorContext, settings: KafkaProducerSettings): Producer {
  const { requestTimeoutMs, sticky, byId } = settings;
  const client = wireClient(context, { requestTimeoutMs, sticky });
  const transport = new KafkaProduceTransport(client, Math.floor(requestTimeoutMs * 0.8), byId);
  return new Producer(context, settings, transport, initProducerId(client));
}

export function initProducerId(client: WireClient): InitProducerId {
  return async () => {
    const body = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 };
    const { errorCode, producerId, producerEpoch } = await client.askAny(apis.InitProducerId, VERSION, body);
    if (errorCode !== ErrorCode.NONE) throw new OttlaError(errorName(errorCode), 'no producer id');
    return { producerId, producerEpoch };
  };
}
