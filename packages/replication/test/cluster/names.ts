import type { BatchHeader } from '@ottla/protocol';
import type { PartitionRecord, ReplicaId } from '../../src/index';

/** Batches are told apart by their CRC; people see the first 26 as letters. */
export function namesOf(headers: readonly BatchHeader[]): string {
  return headers.map(({ crc }) => (crc <= 26 ? String.fromCharCode(96 + crc) : `#${crc}`)).join(' ');
}

/** A replaced log id shows as a dash behind the broker's number. */
export function describeIsr({ isr, elr }: PartitionRecord): string {
  const list = (replicas: ReplicaId[]) => replicas.map(({ broker, logId }) => `${broker}${logId.replace(/[^']/g, '')}`);
  const eligible = elr.length > 0 ? ` ELR ${list(elr).join(',')}` : '';
  return `ISR ${list(isr).join(',') || 'none'}${eligible}`;
}
