import zlib from 'node:zlib';
import { type CompressionName, OttlaError } from '@ottla/protocol';
import { lz4OpenedBytesAtMost } from '../codecs/lz4-frame';
import { encodeXerial, isXerial, snappyOpenedBytes, XERIAL_BLOCK_BYTES, xerialBlocks } from '../codecs/xerial';
import { zstdOpenedBytesAtMost } from '../codecs/zstd-frame';
import { type Codecs, DEFAULT_MAX_DECOMPRESSED_BYTES } from '../ports/codecs';

interface Codec {
  compress(payload: Uint8Array): Uint8Array;
  decompress(payload: Uint8Array, maxBytes: number): Uint8Array;
}

/** Node's zlib has zstd from 22.15 on; its types for Node 20 don't know it. */
interface ZstdOfZlib {
  zstdCompressSync?(payload: Uint8Array): Buffer;
  zstdDecompressSync?(payload: Uint8Array, options: { maxOutputLength: number }): Buffer;
}

const ZSTD_LEVEL = 3;

/** A payload that opens to more than the limit. */
class TooLarge extends Error {}

const none: Codec = {
  compress: (payload) => payload,
  decompress: (payload, maxBytes) => {
    if (payload.length > maxBytes) throw new TooLarge();
    return payload;
  },
};

const gzip: Codec = {
  compress: (payload) => zlib.gzipSync(payload),
  decompress: (payload, maxBytes) => inZlib(() => zlib.gunzipSync(payload, { maxOutputLength: maxBytes })),
};

function makeSnappy(): Codec {
  const { compressSync, uncompressSync } = require('snappy') as typeof import('snappy');
  const openBlock = (block: Uint8Array): Uint8Array => uncompressSync(asBuffer(block), { asBuffer: true }) as Buffer;
  return {
    compress: (payload) => {
      const blocks: Uint8Array[] = [];
      for (let at = 0; at < payload.length; at += XERIAL_BLOCK_BYTES) {
        blocks.push(compressSync(asBuffer(payload.subarray(at, at + XERIAL_BLOCK_BYTES))));
      }
      return encodeXerial(blocks);
    },
    decompress: (payload, maxBytes) => {
      const blocks = isXerial(payload) ? xerialBlocks(payload) : [payload];
      if (blocks === null) throw new Error('the block lengths of its xerial framing do not add up');
      let opened = 0;
      for (const block of blocks) opened += snappyOpenedBytes(block) ?? Number.NaN;
      if (Number.isNaN(opened)) throw new Error('a snappy block does not start with its length');
      if (opened > maxBytes) throw new TooLarge();
      return blocks.length === 1 ? openBlock(blocks[0] as Uint8Array) : Buffer.concat(blocks.map(openBlock), opened);
    },
  };
}

function makeLz4(): Codec {
  const { compressFrameSync, decompressFrameSync } = require('lz4-napi') as typeof import('lz4-napi');
  return {
    compress: (payload) => compressFrameSync(asBuffer(payload)),
    decompress: (payload, maxBytes) => {
      requireWithin(lz4OpenedBytesAtMost(payload), maxBytes, 'an LZ4 frame');
      return decompressFrameSync(asBuffer(payload));
    },
  };
}

function makeZstd(): Codec {
  const { zstdCompressSync, zstdDecompressSync } = zlib as ZstdOfZlib;
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    return {
      compress: (payload) => zstdCompressSync(payload),
      decompress: (payload, maxBytes) => inZlib(() => zstdDecompressSync(payload, { maxOutputLength: maxBytes })),
    };
  }
  const { Encoder, Decoder } = require('@toondepauw/node-zstd') as typeof import('@toondepauw/node-zstd');
  const encoder = new Encoder(ZSTD_LEVEL);
  const decoder = new Decoder();
  return {
    compress: (payload) => encoder.encodeSync(asBuffer(payload)),
    decompress: (payload, maxBytes) => {
      requireWithin(zstdOpenedBytesAtMost(payload), maxBytes, 'a zstd frame');
      return decoder.decodeSync(asBuffer(payload));
    },
  };
}

const makers: Readonly<Record<CompressionName, () => Codec>> = {
  none: () => none,
  gzip: () => gzip,
  snappy: makeSnappy,
  lz4: makeLz4,
  zstd: makeZstd,
};

const loaded = new Map<CompressionName, Codec>();

function codec(name: CompressionName): Codec {
  let found = loaded.get(name);
  if (found === undefined) {
    found = load(name);
    loaded.set(name, found);
  }
  return found;
}

function load(name: CompressionName): Codec {
  try {
    return makers[name]();
  } catch (error) {
    const message = `the ${name} codec has no build for ${process.platform}-${process.arch}: install its package, or use another compression.type`;
    throw new OttlaError('UNSUPPORTED_COMPRESSION_TYPE', message, { cause: error });
  }
}

/** Kafka's codecs; a native module is loaded when its codec is first used. */
export const nodeCodecs: Codecs = {
  compress: (name, payload) => codec(name).compress(payload),
  decompress: (name, payload, maxBytes = DEFAULT_MAX_DECOMPRESSED_BYTES) => {
    const { decompress } = codec(name);
    try {
      return decompress(payload, maxBytes);
    } catch (error) {
      throw error instanceof TooLarge ? tooLarge(name, payload, maxBytes) : corrupt(name, payload, error);
    }
  },
};

function tooLarge(name: CompressionName, payload: Uint8Array, maxBytes: number): OttlaError {
  return new OttlaError(
    'MESSAGE_TOO_LARGE',
    `${payload.length} bytes of ${name} open to more than the ${maxBytes} bytes allowed; produce smaller batches`,
  );
}

function corrupt(name: CompressionName, payload: Uint8Array, cause: unknown): OttlaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OttlaError('CORRUPT_MESSAGE', `${payload.length} bytes are not valid ${name}: ${reason}`, { cause });
}

function requireWithin(openedAtMost: number | null, maxBytes: number, what: string): void {
  if (openedAtMost === null) throw new Error(`it is not ${what}`);
  if (openedAtMost > maxBytes) throw new TooLarge();
}

function inZlib(run: () => Buffer): Buffer {
  try {
    return run();
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? new TooLarge() : error;
  }
}

/** The same memory as a Buffer, which the native modules ask for. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
