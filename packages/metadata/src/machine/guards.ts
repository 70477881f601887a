import type { KeyValue } from '../store';
import type { KeySpace } from './key-space';
import { NO_LEASE } from './lease-table';
import type { Guard } from './requests';

const ABSENT: KeyValue = {
  key: '',
  value: new Uint8Array(),
  createRevision: 0,
  modRevision: 0,
  version: 0,
  lease: NO_LEASE,
};

export function holds(guard: Guard, space: KeySpace, revision: number): boolean {
  let found = false;
  for (const kv of space.range(guard.range, revision)) {
    found = true;
    if (!holdsFor(guard, kv)) return false;
  }
  return found || (guard.target !== 'value' && holdsFor(guard, ABSENT));
}

function holdsFor(guard: Guard, kv: KeyValue): boolean {
  const order = compareTo(guard, kv);
  switch (guard.relation) {
    case 'equal':
      return order === 0;
    case 'not-equal':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'less':
      return order < 0;
  }
}

function compareTo(guard: Guard, kv: KeyValue): number {
  switch (guard.target) {
    case 'version':
      return kv.version - guard.operand;
    case 'create':
      return kv.createRevision - guard.operand;
    case 'mod':
      return kv.modRevision - guard.operand;
    case 'value':
      return compareBytes(kv.value, guard.operand);
    case 'lease':
      return Number(BigInt(kv.lease) - BigInt(guard.operand));
  }
}

/** Negative, 0 or positive, in byte order. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const difference = left[at]! - right[at]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
