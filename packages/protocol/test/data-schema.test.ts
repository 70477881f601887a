import { dataSchema, dataVersion, f } from '../src';

const plain = dataSchema({
  name: 'subscription',
  versions: '0-1',
  newer: 'read-as-latest',
  fields: {
    topics: f.array('0+', 'string'),
    userData: f.bytes('0+').nullable('0+').default(null),
    rack: f.string('1+'),
  },
});

const flexible = dataSchema({
  name: 'value',
  versions: '3-4',
  flexibleFrom: 4,
  fields: { epoch: f.int32('0+'), owner: f.string('4+').nullable('4+').default(null).tag(0) },
});

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('a message that stands alone', () => {
  it('is led by its version', () => {
    const bytes = plain.write(0, { topics: ['a'] });
    expect(hexOf(bytes)).toBe('0000' + '00000001' + '000161' + 'ffffffff');
    expect(dataVersion(bytes)).toBe(0);
    expect(plain.read(bytes)).toEqual({ version: 0, message: { topics: ['a'], userData: null, rack: '' } });
  });

  it('of a flexible version has tags, and compact lengths', () => {
    const bytes = flexible.write(4, { epoch: 7, owner: 'me' });
    expect(hexOf(bytes)).toBe('0004' + '00000007' + '01' + '00' + '03' + '036d65');
    expect(flexible.read(bytes)).toEqual({ version: 4, message: { epoch: 7, owner: 'me' } });
    expect(hexOf(flexible.write(4, { epoch: 7 }))).toBe('0004' + '00000007' + '00');
  });

  it('of a newer version is read as the latest known where the protocol promises that it can be', () => {
    const { version, message } = plain.read(hex('0005 00000000 ffffffff 000172 deadbeef'));
    expect([version, message.rack]).toEqual([5, 'r']);
  });

  it.each([
    ['a newer version', '0005 00000007', 'UNSUPPORTED_VERSION'],
    ['an older version', '0002 00000007', 'UNSUPPORTED_VERSION'],
    ['bytes that end too early', '0003 0000', 'CORRUPT_MESSAGE'],
    ['bytes after the message', '0003 00000007 00', 'CORRUPT_MESSAGE'],
    ['no version at all', '00', 'CORRUPT_MESSAGE'],
  ])('with %s is refused', (_, text, code) => {
    expect(() => flexible.read(hex(text))).toThrow(expect.objectContaining({ code }));
  });

  it('of a version that is not known is not written', () => {
    expect(() => flexible.write(2, { epoch: 1 })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }));
  });
});

describe('a mistake in a declaration', () => {
  it('in a version range is found at once', () => {
    expect(() => f.int8('x+' as '0+')).toThrow('"x+" is no version range');
  });
});

describe('a nullable struct', () => {
  const schema = dataSchema({
    name: 'page',
    versions: '0+',
    fields: { cursor: f.struct('0+', { index: f.int16('0+') }).nullable('0+') },
  });

  it.each([
    ['null', null, '0000 ff'],
    ['there', { index: 7 }, '0000 01 0007'],
  ])('that is %s is told by a byte before it', (_, cursor, text) => {
    expect(Buffer.from(schema.write(0, { cursor })).toString('hex')).toBe(text.replaceAll(' ', ''));
    expect(schema.read(hex(text)).message).toEqual({ cursor });
  });
});
