import { Reader, Writer } from 'protobufjs/minimal';
import type { Commit } from '../../machine/history';
import type { Change, MachineRecord } from '../../machine/requests';
import type { MachineSnapshot } from '../../machine/store-machine';
import type { KeyValue } from '../../store';

/*
 * Protobuf wire format; fields that this version doesn't know are skipped. Keys are bytes.
 *
 *   Records  { repeated Record record = 1; }
 *   Record   { oneof { Commit commit = 1; Lease grant = 2; string revoke = 3; uint64 compact = 4; } }
 *   Commit   { uint64 revision = 1; repeated Change change = 2; }
 *   Change   { oneof { KeyValue put = 1; bytes delete = 2; } }
 *   KeyValue { bytes key = 1; uint64 create_revision = 2, mod_revision = 3, version = 4; bytes value = 5; string lease = 6; }
 *   Lease    { string id = 1; uint64 ttl_ms = 2; }
 *   Snapshot { uint64 revision = 1, compact_revision = 2; repeated KeyValue base = 3; repeated Commit commit = 4;
 *              repeated Lease lease = 5; }
 */

const LENGTH_DELIMITED = 2;
const VARINT = 0;

type Field = (reader: Reader) => void;

/** Reads the fields of one message; `length` undefined means to the end. */
function readFields(reader: Reader, length: number | undefined, fields: Readonly<Record<number, Field>>): void {
  const end = length === undefined ? reader.len : reader.pos + length;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = fields[tag >>> 3];
    if (field === undefined) reader.skipType(tag & 7);
    else field(reader);
  }
}

function readNumber(reader: Reader): number {
  const value = reader.uint64() as unknown as number | { toNumber(): number };
  return typeof value === 'number' ? value : value.toNumber();
}

function readKey(reader: Reader): string {
  return Buffer.from(reader.bytes()).toString('latin1');
}

function bytesTag(field: number): number {
  return (field << 3) | LENGTH_DELIMITED;
}

function numberTag(field: number): number {
  return (field << 3) | VARINT;
}

export function encodeRecords(records: readonly MachineRecord[]): Uint8Array {
  const writer = Writer.create();
  for (const record of records) {
    writer.uint32(bytesTag(1)).fork();
    writeRecord(writer, record);
    writer.ldelim();
  }
  return writer.finish();
}

export function decodeRecords(bytes: Uint8Array): MachineRecord[] {
  const records: MachineRecord[] = [];
  readFields(Reader.create(bytes), undefined, { 1: (reader) => records.push(readRecord(reader)) });
  return records;
}

function writeRecord(writer: Writer, record: MachineRecord): void {
  switch (record.type) {
    case 'commit':
      writeCommit(writer, 1, record);
      return;
    case 'grant':
      writeLease(writer, 2, record.lease, record.ttlMs);
      return;
    case 'revoke':
      writer.uint32(bytesTag(3)).string(record.lease);
      return;
    case 'compact':
      writer.uint32(numberTag(4)).uint64(record.revision);
  }
}

function readRecord(reader: Reader): MachineRecord {
  let record: MachineRecord | null = null;
  readFields(reader, reader.uint32(), {
    1: () => {
      record = { type: 'commit', ...readCommit(reader) };
    },
    2: () => {
      const { id, ttlMs } = readLease(reader);
      record = { type: 'grant', lease: id, ttlMs };
    },
    3: () => {
      record = { type: 'revoke', lease: reader.string() };
    },
    4: () => {
      record = { type: 'compact', revision: readNumber(reader) };
    },
  });
  if (record === null)
    throw new Error('a record of a kind that this version of Ottla does not know; start a newer one');
  return record;
}

function writeCommit(writer: Writer, field: number, commit: Commit): void {
  writer.uint32(bytesTag(field)).fork().uint32(numberTag(1)).uint64(commit.revision);
  for (const change of commit.changes) {
    writer.uint32(bytesTag(2)).fork();
    if (change.type === 'put') writeKeyValue(writer, 1, change.kv);
    else writer.uint32(bytesTag(2)).bytes(Buffer.from(change.key, 'latin1'));
    writer.ldelim();
  }
  writer.ldelim();
}

function readCommit(reader: Reader): Commit {
  let revision = 0;
  const changes: Change[] = [];
  readFields(reader, reader.uint32(), {
    1: () => {
      revision = readNumber(reader);
    },
    2: () => {
      readFields(reader, reader.uint32(), {
        1: () => changes.push({ type: 'put', kv: readKeyValue(reader) }),
        2: () => changes.push({ type: 'delete', key: readKey(reader) }),
      });
    },
  });
  return { revision, changes };
}

function writeKeyValue(writer: Writer, field: number, kv: KeyValue): void {
  writer
    .uint32(bytesTag(field))
    .fork()
    .uint32(bytesTag(1))
    .bytes(Buffer.from(kv.key, 'latin1'))
    .uint32(numberTag(2))
    .uint64(kv.createRevision)
    .uint32(numberTag(3))
    .uint64(kv.modRevision)
    .uint32(numberTag(4))
    .uint64(kv.version)
    .uint32(bytesTag(5))
    .bytes(kv.value)
    .uint32(bytesTag(6))
    .string(kv.lease)
    .ldelim();
}

function readKeyValue(reader: Reader): KeyValue {
  const kv = { key: '', value: new Uint8Array(), createRevision: 0, modRevision: 0, version: 0, lease: '0' };
  readFields(reader, reader.uint32(), {
    1: () => {
      kv.key = readKey(reader);
    },
    2: () => {
      kv.createRevision = readNumber(reader);
    },
    3: () => {
      kv.modRevision = readNumber(reader);
    },
    4: () => {
      kv.version = readNumber(reader);
    },
    5: () => {
      // Copied: it would keep the whole file's bytes in memory.
      kv.value = new Uint8Array(reader.bytes());
    },
    6: () => {
      kv.lease = reader.string();
    },
  });
  return kv;
}

function writeLease(writer: Writer, field: number, id: string, ttlMs: number): void {
  writer.uint32(bytesTag(field)).fork().uint32(bytesTag(1)).string(id);
  writer.uint32(numberTag(2)).uint64(ttlMs).ldelim();
}

function readLease(reader: Reader): { id: string; ttlMs: number } {
  const lease = { id: '', ttlMs: 0 };
  readFields(reader, reader.uint32(), {
    1: () => {
      lease.id = reader.string();
    },
    2: () => {
      lease.ttlMs = readNumber(reader);
    },
  });
  return lease;
}

export function encodeSnapshot(snapshot: MachineSnapshot): Uint8Array {
  const writer = Writer.create();
  writer.uint32(numberTag(1)).uint64(snapshot.revision).uint32(numberTag(2)).uint64(snapshot.compactRevision);
  for (const kv of snapshot.base) writeKeyValue(writer, 3, kv);
  for (const commit of snapshot.commits) writeCommit(writer, 4, commit);
  for (const lease of snapshot.leases) writeLease(writer, 5, lease.id, lease.ttlMs);
  return writer.finish();
}

export function decodeSnapshot(bytes: Uint8Array): MachineSnapshot {
  const base: KeyValue[] = [];
  const commits: Commit[] = [];
  const leases: { id: string; ttlMs: number }[] = [];
  let revision = 0;
  let compactRevision = 0;
  readFields(Reader.create(bytes), undefined, {
    1: (reader) => {
      revision = readNumber(reader);
    },
    2: (reader) => {
      compactRevision = readNumber(reader);
    },
    3: (reader) => base.push(readKeyValue(reader)),
    4: (reader) => commits.push(readCommit(reader)),
    5: (reader) => leases.push(readLease(reader)),
  });
  return { revision, compactRevision, base, commits, leases };
}
