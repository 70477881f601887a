import * as fc from 'fast-check';
import { type Framed, FrameParser } from '../../src/doors/kafka/frame-parser';

const MAX = 1000;

function framed(...bodies: Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.map((body) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      return Buffer.concat([length, body]);
    }),
  );
}

function bodyOf(size: number, fill = 7): Buffer {
  return Buffer.alloc(size, fill);
}

function parse(chunks: readonly Uint8Array[], maxFrameBytes = MAX): Framed[] {
  const parser = new FrameParser({ maxFrameBytes });
  return chunks.flatMap((chunk) => parser.push(chunk));
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return [...bytes].map((byte) => Uint8Array.of(byte));
}

function intBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

describe('frame parser', () => {
  it('a frame within one chunk: is given as a view of the chunk, not a copy', () => {
    const chunk = framed(bodyOf(20));
    const [result] = parse([chunk]);
    expect(result).toMatchObject({ type: 'frame' });
    const { frame } = result as Framed & { type: 'frame' };
    expect(frame.buffer).toBe(chunk.buffer);
    expect(Buffer.from(frame)).toEqual(bodyOf(20));
  });

  it('three frames byte by byte: the same three frames', () => {
    const bodies = [bodyOf(8, 1), bodyOf(300, 2), bodyOf(9, 3)];
    const results = parse(bytewise(framed(...bodies)));
    expect(results.map((result) => Buffer.from((result as { frame: Uint8Array }).frame))).toEqual(bodies);
  });

  it('any frames, cut anywhere: the same frames in the same order', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 8, maxLength: 200 }), { minLength: 1, maxLength: 6 });
    const cuts = fc.array(fc.nat(1200), { maxLength: 10 });
    fc.assert(
      fc.property(bodies, cuts, (frames, at) => {
        // A first frame as long as this could be another protocol's first bytes; lengths here never are.
        const bytes = framed(...frames);
        const ends = [...new Set(at.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b);
        const chunks = [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        const results = parse(chunks);
        expect(results.map((result) => [...(result as { frame: Uint8Array }).frame])).toEqual(
          frames.map((f) => [...f]),
        );
      }),
    );
  });

  it('half a frame: nothing yet, and it is known to be in the middle of one', () => {
    const parser = new FrameParser({ maxFrameBytes: MAX });
    expect(parser.midFrame).toBe(false);
    expect(parser.push(framed(bodyOf(50)).subarray(0, 30))).toEqual([]);
    expect(parser.midFrame).toBe(true);
    expect(parser.push(framed(bodyOf(50)).subarray(30))).toHaveLength(1);
    expect(parser.midFrame).toBe(false);
  });

  it('a frame larger than what is trusted at once: is put together from many chunks', () => {
    const body = Buffer.alloc(9 << 20, 5);
    body.fill(0, 0, 2);
    const bytes = framed(body);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 65536) chunks.push(bytes.subarray(at, at + 65536));
    const [result] = parse(chunks, 100 << 20);
    expect(Buffer.from((result as { frame: Uint8Array }).frame).equals(body)).toBe(true);
  });

  it('a length of 90 MiB of which little comes: takes little memory', () => {
    const parsers = Array.from({ length: 50 }, () => new FrameParser({ maxFrameBytes: 100 << 20 }));
    const before = process.memoryUsage().arrayBuffers;
    for (const parser of parsers) parser.push(Buffer.concat([intBytes(90 << 20), bodyOf(100, 0)]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * (3 << 20));
  });

  it.each([
    ['the limit itself', MAX, 'nothing'],
    [
      'one more than the limit',
      MAX + 1,
      `a request of ${MAX + 1} bytes is over the limit of ${MAX} (socket.request.max.bytes)`,
    ],
    [
      'the largest length',
      0x7fffffff,
      `a request of 2147483647 bytes is over the limit of ${MAX} (socket.request.max.bytes)`,
    ],
    ['a negative length', -1, '-1 is not the length of a Kafka request'],
    ['the most negative length', -0x80000000, '-2147483648 is not the length of a Kafka request'],
    ['no length', 0, '0 is not the length of a Kafka request'],
    ['less than a header', 7, '7 is not the length of a Kafka request'],
  ])('%s: %s', (_, length, reason) => {
    const results = parse([intBytes(length)]);
    expect(results).toEqual(reason === 'nothing' ? [] : [{ type: 'malformed', reason }]);
  });

  it('after a malformed length: nothing more is given', () => {
    const parser = new FrameParser({ maxFrameBytes: MAX });
    expect(parser.push(Buffer.concat([intBytes(-5), framed(bodyOf(20))]))).toHaveLength(1);
    expect(parser.push(framed(bodyOf(20)))).toEqual([]);
    expect(parser.midFrame).toBe(false);
  });

  it('good frames before a malformed length: are given first', () => {
    const results = parse([Buffer.concat([framed(bodyOf(10)), intBytes(-5)])]);
    expect(results.map((result) => result.type)).toEqual(['frame', 'malformed']);
  });

  it.each([
    ['a TLS client hello', Buffer.from('16030102000100', 'hex'), 'TLS'],
    ['TLS 1.3 by its record version', Buffer.from('16030301', 'hex'), 'TLS'],
    ['GET', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'HTTP/1'],
    ['POST', Buffer.from('POST /topics HTTP/1.1\r\n\r\n'), 'HTTP/1'],
    ['DELETE', Buffer.from('DELETE / HTTP/1.1\r\n\r\n'), 'HTTP/1'],
    ["HTTP/2's preface", Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'HTTP/2'],
  ])('%s: is told from Kafka, whole or byte by byte, and its bytes are kept', (_, bytes, protocol) => {
    const [whole] = parse([bytes], 0x15ffffff);
    expect(whole).toMatchObject({ type: 'foreign', protocol });
    expect(Buffer.from((whole as { bytes: Uint8Array }).bytes)).toEqual(bytes);
    const [single] = parse(bytewise(bytes), 0x15ffffff);
    expect(single).toMatchObject({ type: 'foreign', protocol });
  });

  it('bytes of another protocol after a first Kafka frame: are a malformed length', () => {
    const results = parse([Buffer.concat([framed(bodyOf(10)), Buffer.from('GET / HTTP/1.1')])]);
    expect(results.map((result) => result.type)).toEqual(['frame', 'malformed']);
  });

  it('any bytes whatever: never throws, and ends with at most one complaint', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        const results = parse(chunks, 50);
        expect(results.filter((result) => result.type !== 'frame').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  describe('a request without records, of more than 8 MiB', () => {
    const head = (length: number, apiKey: number) => Buffer.concat([intBytes(length), Buffer.from([0, apiKey])]);
    const large = (8 << 20) + 1;
    const many = 100 << 20;

    it.each([
      ['in one chunk', (bytes: Buffer) => [bytes]],
      ['byte by byte', bytewise],
      ['with the key in another chunk than the length', (bytes: Buffer) => [bytes.subarray(0, 4), bytes.subarray(4)]],
    ])('is refused as soon as its API is known, %s', (_name, cut) => {
      const parser = new FrameParser({ maxFrameBytes: many });
      const results = cut(head(large, 3)).flatMap((chunk) => parser.push(chunk));
      expect(results).toEqual([
        {
          type: 'malformed',
          reason: `a request of ${large} bytes with API key 3 is over the limit of ${8 << 20} for all but Produce; split it`,
        },
      ]);
      expect(parser.push(framed(bodyOf(20)))).toEqual([]);
    });

    it('is taken up to that', () => {
      const body = Buffer.concat([Buffer.from([0, 3]), bodyOf((8 << 20) - 2)]);
      expect(parse([framed(body)], many)).toMatchObject([{ type: 'frame' }]);
    });

    it('Produce is taken up to socket.request.max.bytes', () => {
      const body = Buffer.concat([Buffer.from([0, 0]), bodyOf(large)]);
      expect(parse([framed(body)], many)).toMatchObject([{ type: 'frame' }]);
    });
  });
});
