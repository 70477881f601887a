import { CompressionCodecs, CompressionTypes } from 'kafkajs';

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

/** kafkajs has gzip built in and takes the other codecs from its user. */
export function registerCodecs(): void {
  register(CompressionTypes.Snappy, snappy());
  register(CompressionTypes.LZ4, lz4());
  register(CompressionTypes.ZSTD, zstd());
}

function register(type: CompressionTypes, codec: Codec): void {
  (CompressionCodecs as Record<number, () => Codec>)[type] = () => codec;
}

function snappy(): Codec {
  const { compress, uncompress } = require('snappy');
  return {
    compress: (encoder) => compress(encoder.buffer),
    decompress: async (buffer) => {
      if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompress(buffer);
      const blocks: Buffer[] = [];
      for (let at = XERIAL_HEADER_BYTES; at < buffer.length; ) {
        const length = buffer.readInt32BE(at);
        blocks.push(await uncompress(buffer.subarray(at + 4, at + 4 + length)));
        at += 4 + length;
      }
      return Buffer.concat(blocks);
    },
  };
}

function lz4(): Codec {
  const { compressFrame, decompressFrame } = require('lz4-napi');
  return { compress: (encoder) => compressFrame(encoder.buffer), decompress: (buffer) => decompressFrame(buffer) };
}

function zstd(): Codec {
  const { Encoder, Decoder } = require('@toondepauw/node-zstd');
  const encoder = new Encoder(3);
  const decoder = new Decoder();
  return { compress: (input) => encoder.encode(input.buffer), decompress: (buffer) => decoder.decode(buffer) };
}
