import fc from 'fast-check';
import { LineSplitter, splitKey } from '../src/stdio/lines';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (line: Uint8Array): string => Buffer.from(line).toString('latin1');

function split(...chunks: string[]): string[] {
  const lines = new LineSplitter();
  const found = chunks.flatMap((chunk) => [...lines.push(bytes(chunk))].map(text));
  return [...found, ...[...lines.end()].map(text)];
}

describe('LineSplitter', () => {
  it.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['one line', ['a\n'], ['a']],
    ['a last line without a newline', ['a\nb'], ['a', 'b']],
    ['empty lines', ['\n\na\n\n'], ['', '', 'a', '']],
    ['a line over several chunks', ['ab', 'c', 'd\ne'], ['abcd', 'e']],
    ['a chunk that is a newline', ['ab', '\n', 'c'], ['ab', 'c']],
    ['carriage returns and zeros, which belong to the line', ['a\r\n\0b\n'], ['a\r', '\0b']],
  ])('%s', (_what, chunks, lines) => {
    expect(split(...chunks)).toEqual(lines);
  });

  it('however the input is cut, the lines joined by newlines are the input', () => {
    const chunk = fc.uint8Array({ maxLength: 40 }).map((array) => array.map((byte) => (byte % 5 === 0 ? 0x0a : byte)));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
        const input = Buffer.concat(chunks);
        const lines = new LineSplitter();
        const found = [...chunks.flatMap((part) => [...lines.push(part)]), ...lines.end()];
        const joined = Buffer.concat(found.flatMap((line) => [line, Buffer.from('\n')]));
        const complete =
          input.length === 0 || input.at(-1) === 0x0a ? input : Buffer.concat([input, Buffer.from('\n')]);
        expect(joined.equals(complete)).toBe(true);
      }),
    );
  });

  it('a line over the limit is refused with its number', () => {
    const lines = new LineSplitter(8);
    expect([...lines.push(bytes('short\n'))]).toHaveLength(1);
    expect(() => [...lines.push(bytes('a long line'))]).toThrow('line 2 is longer than 8 bytes');
  });
});

describe('splitKey', () => {
  it.each([
    ['the first separator counts', 'k:v:w', ':', 'k', 'v:w'],
    ['a separator of several bytes', 'k=>v', '=>', 'k', 'v'],
    ['a line without it has no key', 'v', ':', null, 'v'],
    ['an empty key, an empty value', ':', ':', '', ''],
  ])('%s', (_what, line, separator, key, value) => {
    const found = splitKey(bytes(line), bytes(separator));
    expect([found.key && text(found.key), text(found.value)]).toEqual([key, value]);
  });

  it('finds the separator in a line that is part of a larger buffer', () => {
    const whole = bytes('xx:k:v:yy');
    const { key, value } = splitKey(whole.subarray(3, 6), bytes(':'));
    expect([text(key!), text(value)]).toEqual(['k', 'v']);
  });
});
