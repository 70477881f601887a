import type { ConsumedRecords } from '@ottla/client';
import type { KafkaRecord } from '@ottla/protocol';
import { writeRecords } from '../src/commands/consume';
import { jsonRecord } from '../src/stdio/record-format';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function record(offset: number, value: string | null, key: string | null = null): KafkaRecord {
  return {
    offset,
    timestamp: 7,
    key: key && bytes(key),
    value: value === null ? null : bytes(value),
    headers: [],
  } as KafkaRecord;
}

async function* consumer(...batches: KafkaRecord[][]): AsyncGenerator<ConsumedRecords> {
  for (const records of batches) {
    yield {
      topic: 't',
      partition: 3,
      [Symbol.iterator]: () => records[Symbol.iterator](),
    } as unknown as ConsumedRecords;
  }
}

class Written {
  text = '';
  write(part: Uint8Array): null {
    this.text += Buffer.from(part).toString('latin1');
    return null;
  }
  async flush(): Promise<void> {}
}

describe('ottla consume', () => {
  it('writes each value with a newline behind it, byte for byte', async () => {
    const output = new Written();
    await writeRecords(consumer([record(0, 'a'), record(1, '')], [record(2, '\xff\0'), record(3, null)]), output, {});
    expect(output.text).toBe('a\n\n\xff\0\n\n');
  });

  it('ends after as many records as asked for, and closes the consumer', async () => {
    const output = new Written();
    let isClosed = false;
    async function* endless(): AsyncGenerator<ConsumedRecords> {
      try {
        for (let offset = 0; ; offset += 2) yield* consumer([record(offset, 'a'), record(offset + 1, 'b')]);
      } finally {
        isClosed = true;
      }
    }
    await writeRecords(endless(), output, { max: 3 });
    expect(output.text).toBe('a\nb\na\n');
    expect(isClosed).toBe(true);
  });

  it('writes keys where it is told how to set them apart', async () => {
    const output = new Written();
    await writeRecords(consumer([record(0, 'v', 'k'), record(1, 'w')]), output, { keySeparator: '\t' });
    expect(output.text).toBe('k\tv\n\tw\n');
  });

  it('writes JSON with text as text and other bytes as base64', () => {
    const headers = [{ key: 'h', value: bytes('x') }];
    const line = Buffer.from(jsonRecord('t', 3, { ...record(5, '\xff', 'k'), headers })).toString();
    expect(JSON.parse(line)).toEqual({
      topic: 't',
      partition: 3,
      offset: 5,
      timestamp: 7,
      key: 'k',
      value: { base64: '/w==' },
      headers: [{ key: 'h', value: 'x' }],
    });
    expect(line.endsWith('}\n')).toBe(true);
  });
});
