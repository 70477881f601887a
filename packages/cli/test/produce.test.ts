import { PassThrough, Readable } from 'node:stream';
import type { Delivered, ProducerRecord } from '@ottla/client';
import { OttlaError } from '@ottla/protocol';
import { LineSender } from '../src/commands/produce';

/** A producer whose deliveries and room the test decides. */
class FakeProducer {
  readonly records: ProducerRecord[] = [];
  readonly waiting: Delivered[] = [];
  room: Promise<void> | null = null;
  closed = false;
  /** Index of the record that can't be delivered. */
  failAt = -1;

  enqueue(record: ProducerRecord, delivered: Delivered | null = null): Promise<void> | null {
    this.records.push(record);
    if (this.records.length - 1 === this.failAt) delivered!(new OttlaError('MESSAGE_TOO_LARGE', 'too large'), null);
    else this.waiting.push(delivered!);
    return this.room;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const delivered of this.waiting) delivered(null, null);
  }
}

const never = new Promise<void>(() => {});
const values = (producer: FakeProducer): string[] =>
  producer.records.map(({ value }) => Buffer.from(value!).toString());

describe('ottla produce', () => {
  it('sends every line of the input, and answers when all are delivered', async () => {
    const producer = new FakeProducer();
    const sender = new LineSender(producer, { topic: 't' });
    await sender.sendAll(Readable.from([Buffer.from('a\n\nb'), Buffer.from('c\nlast')]), never);
    expect(values(producer)).toEqual(['a', '', 'bc', 'last']);
    expect(producer.closed).toBe(true);
    expect([sender.delivered, sender.bytes]).toEqual([4, 7]);
  });

  it('sends to the partition asked for, with keys where lines have them', async () => {
    const producer = new FakeProducer();
    const sender = new LineSender(producer, { topic: 't', partition: 2, keySeparator: ':' });
    await sender.sendAll(Readable.from([Buffer.from('k:v\nplain\n')]), never);
    expect(producer.records.map(({ partition, key }) => [partition, key && Buffer.from(key).toString()])).toEqual([
      [2, 'k'],
      [2, null],
    ]);
  });

  it('reads no further while the producer has no room', async () => {
    const producer = new FakeProducer();
    let giveRoom = (): void => {};
    producer.room = new Promise((resolve) => {
      giveRoom = resolve;
    });
    const input = Readable.from([Buffer.from('a\n'), Buffer.from('b\n')]);
    const done = new LineSender(producer, { topic: 't' }).sendAll(input, never);
    await new Promise((resolve) => setImmediate(resolve));
    expect(values(producer)).toEqual(['a']);
    giveRoom();
    await done;
    expect(values(producer)).toEqual(['a', 'b']);
  });

  it('stops at a record that cannot be delivered, and says how many were', async () => {
    const producer = new FakeProducer();
    producer.failAt = 1;
    const sender = new LineSender(producer, { topic: 't' });
    const input = Readable.from([Buffer.from('a\nb\nc\n'), Buffer.from('d\n')]);
    await expect(sender.sendAll(input, never)).rejects.toThrow('1 of 2 records were delivered, then: too large');
    expect(values(producer)).toEqual(['a', 'b']);
  });

  it('told to stop, delivers what it has read and reads no further', async () => {
    const producer = new FakeProducer();
    const input = new PassThrough();
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const sender = new LineSender(producer, { topic: 't' });
    const done = sender.sendAll(input, stopped);
    input.write('a\nhalf a line');
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    await done;
    expect(values(producer)).toEqual(['a']);
    expect(sender.delivered).toBe(1);
  });
});
