import { MAX_TXN_OPS } from '../store';
import { contains, type KeyRange } from './key-range';
import type { KeySpace } from './key-space';
import { type LeaseTable, NO_LEASE } from './lease-table';
import { MachineError } from './machine-error';
import type { Operation, PutRequest, Transaction } from './requests';

/** What holds of a transaction whatever the store's state: sizes, and no key written twice in one branch. */
export function checkForm(transaction: Transaction): void {
  for (const list of [transaction.guards, transaction.success, transaction.failure]) {
    if (list.length > MAX_TXN_OPS) {
      throw new MachineError('too-many-operations', 'too many operations in txn request');
    }
  }
  for (const guard of transaction.guards) checkKey(guard.range.start);
  for (const branch of [transaction.success, transaction.failure]) {
    for (const operation of branch) {
      checkKey(operation.type === 'put' ? operation.key : operation.range.start);
      if (operation.type === 'put') checkPut(operation);
    }
    checkNoKeyTwice(branch);
  }
}

/** What the branch to be taken needs of the store; so that it's carried out whole or not at all. */
export function checkBranch(branch: readonly Operation[], space: KeySpace, leases: LeaseTable): void {
  for (const operation of branch) {
    if (operation.type !== 'put') continue;
    if (operation.lease !== NO_LEASE) leases.get(operation.lease);
    if ((operation.ignoreValue || operation.ignoreLease) && space.get(operation.key) === null) {
      throw new MachineError('key-not-found', 'key not found');
    }
  }
}

function checkKey(key: string): void {
  if (key === '') throw new MachineError('empty-key', 'key is not provided');
}

function checkPut(put: PutRequest): void {
  if (put.ignoreValue && put.value.length > 0) throw new MachineError('value-provided', 'value is provided');
  if (put.ignoreLease && put.lease !== NO_LEASE) throw new MachineError('lease-provided', 'lease is provided');
}

function checkNoKeyTwice(branch: readonly Operation[]): void {
  const put = new Set<string>();
  const deleted: KeyRange[] = [];
  for (const operation of branch) {
    if (operation.type === 'delete') deleted.push(operation.range);
    if (operation.type !== 'put') continue;
    if (put.has(operation.key)) throw duplicateKey();
    put.add(operation.key);
  }
  for (const range of deleted) for (const key of put) if (contains(range, key)) throw duplicateKey();
}

function duplicateKey(): MachineError {
  return new MachineError('duplicate-key', 'duplicate key given in txn request');
}
