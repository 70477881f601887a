import fc from 'fast-check';
import type * as wire from '../src/generated/peer';
import { peerDescriptor } from '../src/generated/peer-descriptor';
import { Codecs, type MessageCodec } from '../src/wire/codec';

const codecs = new Codecs(peerDescriptor);
const push = written(codecs.of<wire.Push>('ottla.peer.v1.Push'));
const diverged = written(codecs.of<wire.Diverged>('ottla.peer.v1.Diverged'));
const fromLeader = written(codecs.of<wire.LeaderMessages>('ottla.peer.v1.LeaderMessages'));

/** The codec with bytes as grpc-js makes them: behind a prefix. */
function written<T>({ serialize, deserialize }: MessageCodec<T>): MessageCodec<T> {
  const bytesOf = (message: T): Buffer => {
    const encoded = serialize(message);
    const framed = Buffer.alloc(5 + encoded.length);
    encoded.copy(framed, 5);
    return framed.subarray(5);
  };
  return { serialize: bytesOf, deserialize };
}

const offset = fc.maxSafeNat();
const anyPush: fc.Arbitrary<wire.Push> = fc.record({
  topicId: fc.uuid(),
  partition: fc.nat(),
  leaderEpoch: fc.nat(),
  subscription: offset,
  highWatermark: offset,
  logStart: offset,
  baseOffset: offset,
  records: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});

describe('message codecs', () => {
  it('any push reads back as it was written, with numbers for 64-bit fields', () => {
    fc.assert(
      fc.property(fc.array(anyPush, { maxLength: 5 }), (pushes) => {
        const bytes = fromLeader.serialize({ messages: pushes.map((one) => ({ push: one })) });
        const read = fromLeader.deserialize(bytes);
        expect(read.messages.map((message) => ({ ...message.push }))).toEqual(pushes);
      }),
    );
  });

  it.each([-1, 0, 1, Number.MAX_SAFE_INTEGER])('a signed 64-bit field keeps %d', (endOffset) => {
    const bytes = diverged.serialize({
      topicId: '',
      partition: 0,
      leaderEpoch: 0,
      subscription: 0,
      epoch: -1,
      endOffset,
    });
    expect(diverged.deserialize(bytes)).toMatchObject({ epoch: -1, endOffset });
  });

  it('a field that the sender left out reads as zero', () => {
    const read = push.deserialize(Buffer.alloc(0));
    expect([read.topicId, read.baseOffset, read.records.length]).toEqual(['', 0, 0]);
  });

  it('records are a view of the bytes received, not a copy', () => {
    const records = Buffer.from('some batches');
    const bytes = push.serialize({
      topicId: 't',
      partition: 1,
      leaderEpoch: 2,
      subscription: 3,
      highWatermark: 4,
      logStart: 5,
      baseOffset: 6,
      records,
    });
    const read = push.deserialize(bytes);
    expect(Buffer.from(read.records)).toEqual(records);
    expect(read.records.buffer).toBe(bytes.buffer);
  });

  it('a message from a newer release, with a field unknown here, reads without it', () => {
    const unknownField = Buffer.from([0xfa, 0x3f, 0x02, 0x01, 0x02]);
    const read = push.deserialize(Buffer.concat([push.serialize({ partition: 7 } as wire.Push), unknownField]));
    expect(read.partition).toBe(7);
  });

  it.each([
    ['records longer than the message', [0x42, 0x7f, 0x41]],
    ['a wire type that does not exist', [0xa7, 0x06, 0x00]],
    ['a varint without end', [0x10, 0xff, 0xff, 0xff]],
  ])('%s is refused', (_name, bytes) => {
    expect(() => push.deserialize(Buffer.from(bytes))).toThrow();
  });
});
