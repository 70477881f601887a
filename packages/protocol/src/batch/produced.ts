import { OttlaError } from '../errors';
import type { BatchHeader } from './header';

export interface ProduceLimits {
  /** The topic's `max.message.bytes`: the largest batch, as it was sent. */
  readonly maxMessageBytes: number;
}

export function checkProducedBatches(_records: Uint8Array, _limits: ProduceLimits): BatchHeader[] {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}
