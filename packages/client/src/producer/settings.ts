import { OttlaError } from '@ottla/protocol';
import type { ProducerOptions, ProducerSettings } from './options';

const IN_FLIGHT_IDEMPOTENT = 5;

/** The options with their defaults. Throws INVALID_CONFIG for values that contradict each other. */
export function producerSettings(options: ProducerOptions, requestTimeoutMs: number): ProducerSettings {
  const acks = options.acks === 'all' || options.acks === undefined ? -1 : options.acks;
  const idempotent = options.idempotent ?? acks === -1;
  if (idempotent && acks !== -1) {
    throw new OttlaError('INVALID_CONFIG', `an idempotent producer needs acks 'all', not ${acks}: change one of them`);
  }
  const settings: ProducerSettings = {
    acks,
    idempotent,
    compression: options.compression ?? 'none',
    batchSize: options.batchSize ?? 65_536,
    lingerMs: options.lingerMs ?? 5,
    bufferMemory: options.bufferMemory ?? 33_554_432,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    requestTimeoutMs: options.requestTimeoutMs ?? requestTimeoutMs,
    maxInFlight: idempotent ? IN_FLIGHT_IDEMPOTENT : acks === 0 ? Number.POSITIVE_INFINITY : 1,
  };
  for (const name of ['batchSize', 'bufferMemory', 'deliveryTimeoutMs', 'requestTimeoutMs'] as const) {
    if (!(settings[name] > 0))
      throw new OttlaError('INVALID_CONFIG', `${name} is ${settings[name]}: it must be above 0`);
  }
  if (!(settings.lingerMs >= 0))
    throw new OttlaError('INVALID_CONFIG', `lingerMs is ${settings.lingerMs}: it can't be below 0`);
  return settings;
}
