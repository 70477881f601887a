import { lastOffset } from '@ottla/protocol';
import type { Violation } from '../../run/result';
import { type BatchOnDisk, describeBatch } from './replica-logs';

/** One replica's log, and how far it believes it to be committed. */
export interface ReplicaLog {
  readonly broker: number;
  readonly highWatermark: number;
  readonly batches: readonly BatchOnDisk[];
}

/**
 * Two replicas' logs agree on every offset below both their high watermarks, and no two different batches have the same leader
 * epoch and offset anywhere. Damaged batches have been left out.
 */
export function replicasAgree(at: number, name: string, replicas: readonly ReplicaLog[]): Violation[] {
  const violations: Violation[] = [];
  const places = new Map<string, { broker: number; batch: BatchOnDisk }>();
  const committed = new Map<number, { broker: number; highWatermark: number; batch: BatchOnDisk }>();
  for (const { broker, highWatermark, batches } of replicas) {
    for (const batch of batches) {
      const { baseOffset, partitionLeaderEpoch, crc } = batch.header;
      const place = `${partitionLeaderEpoch} ${baseOffset}`;
      const there = places.get(place);
      places.set(place, there ?? { broker, batch });
      if (there !== undefined && there.batch.header.crc !== crc) {
        violations.push(differ('1 one batch per place', at, name, there, { broker, batch }));
      }
      if (lastOffset(batch.header) >= highWatermark) continue;
      const known = committed.get(baseOffset);
      committed.set(baseOffset, known ?? { broker, highWatermark, batch });
      if (known !== undefined && !isSame(known.batch, batch)) {
        violations.push(differ('2 replicas agree', at, name, known, { broker, batch }));
      }
    }
  }
  return violations;
}

function isSame({ header: a }: BatchOnDisk, { header: b }: BatchOnDisk): boolean {
  return a.crc === b.crc && a.partitionLeaderEpoch === b.partitionLeaderEpoch;
}

interface Held {
  readonly broker: number;
  readonly batch: BatchOnDisk;
}

function differ(invariant: string, at: number, name: string, a: Held, b: Held): Violation {
  const message = `${name}: broker ${a.broker} holds ${describeBatch(a.batch)}, broker ${b.broker} ${describeBatch(b.batch)}`;
  return { invariant, at, message };
}
