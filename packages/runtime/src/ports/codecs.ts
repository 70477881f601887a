import type { CompressionName } from '@ottla/protocol';

/** The compression codecs of Kafka's record batches. */
export interface Codecs {
  compress(name: CompressionName, payload: Uint8Array): Uint8Array;
  /**
   * Opens one payload. Throws `CORRUPT_MESSAGE` when it is not what `name` says, and `MESSAGE_TOO_LARGE`, before it has
   * used the memory, when it would open to more than `maxBytes` (default 100 MiB).
   */
  decompress(name: CompressionName, payload: Uint8Array, maxBytes?: number): Uint8Array;
}

export const DEFAULT_MAX_DECOMPRESSED_BYTES = 100 * 1024 * 1024;
