import type { CompressionName } from '@ottla/runtime';

export interface ProducerOptions {
  /** Who must have a record before it counts as delivered: every in-sync replica ('all' or -1), the leader (1), or nobody (0). Default 'all'. */
  readonly acks?: 'all' | -1 | 0 | 1;
  /** Whether retries leave each record in the log once, in order (KIP-98); needs acks 'all'. Default: true with acks 'all'. */
  readonly idempotent?: boolean;
  readonly compression?: CompressionName;
  /** A batch of this size is sent at once, in bytes before compression. Default 65,536. */
  readonly batchSize?: number;
  /** How long a batch waits for more records, in ms. Default 5. */
  readonly lingerMs?: number;
  /** How much may wait for delivery before `send` waits, in bytes before compression. Default 33,554,432. */
  readonly bufferMemory?: number;
  /** How long a record may take to be delivered, retries included, in ms. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
  /** How long a broker may take to answer one request, in ms. Default 30,000. */
  readonly requestTimeoutMs?: number;
}

export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  readonly compression: CompressionName;
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly bufferMemory: number;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /**
   * Batches of one partition under way at once. The broker keeps the last five of an idempotent producer; without
   * idempotence a second one could overtake a first that is sent again.
   */
  readonly maxInFlight: number;
}

export interface RecordHeaders {
  readonly [key: string]: Uint8Array | string | null;
}

export interface ProducerRecord {
  readonly topic: string;
  /** Default: by the key, as Kafka's clients choose; without a key, batch by batch to another. */
  readonly partition?: number;
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: RecordHeaders;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number;
}

/** Where a delivered record lies. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 with acks=0, or when the broker recognised a duplicate so old that it has forgotten where it lies. */
  readonly offset: number;
  /** Milliseconds since 1970: the record's own, or the broker's when the topic has LogAppendTime. */
  readonly timestamp: number;
}
