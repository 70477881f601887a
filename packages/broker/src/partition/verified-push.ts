import { readBatchHeader, toOttlaError, verifyBatch } from '@ottla/protocol';
import type { LeaderMessage, LeaderMessageArrived } from '@ottla/replication';
import type { Logger } from '@ottla/runtime';

/** A push with its batch headers, each batch verified; null, logged, when it came damaged: the leader sends it again. */
export function verified(message: LeaderMessage, name: string, logger: Logger): LeaderMessageArrived | null {
  if (message.type !== 'push') return { type: 'leader-message', message, headers: [] };
  try {
    const headers = [];
    for (let at = 0; at < message.records.byteLength; at += headers.at(-1)!.batchLength) {
      const header = readBatchHeader(message.records, at);
      verifyBatch(message.records, at, header);
      headers.push(header);
    }
    return { type: 'leader-message', message, headers };
  } catch (error) {
    logger.error(`${name}: dropping records that the leader sent: ${toOttlaError(error).message}`);
    return null;
  }
}
