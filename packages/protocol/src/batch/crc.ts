import { crc32c as native } from '@node-rs/crc32';

/** CRC32C (Castagnoli) of the bytes, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  return native(bytes);
}
