import { OttlaError } from '../errors';
import type { BatchHeader, CompressionName } from './header';

export interface RecordHeader {
  key: string;
  value: Uint8Array | null;
}

/** A record as read from a batch; key, values and headers are views of the batch's bytes. */
export interface KafkaRecord {
  offset: number;
  /** In ms. */
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: RecordHeader[];
}

export interface RecordInput {
  /** In ms. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

export interface BatchInput {
  readonly records: readonly RecordInput[];
  /** 0 when left out, as producers send it. */
  readonly baseOffset?: number;
  /** -1 when left out. */
  readonly leaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly compression?: { readonly name: CompressionName; readonly compress: (payload: Uint8Array) => Uint8Array };
  readonly transactional?: boolean;
  readonly control?: boolean;
}

export type Decompress = (codec: CompressionName, payload: Uint8Array) => Uint8Array;

export function encodeBatch(_input: BatchInput): Uint8Array {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}

export function decodeBatch(
  _bytes: Uint8Array,
  _offset: number,
  _header: BatchHeader,
  _decompress?: Decompress,
): KafkaRecord[] {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}
