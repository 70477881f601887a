import fc from 'fast-check';
import {
  brokerRegistrationCodec,
  type Codec,
  configRecordCodec,
  controllerClaimCodec,
  deletionRecordCodec,
  generationCodec,
  lastRunCodec,
  partitionRecordCodec,
  producerIdsCodec,
  topicRecordCodec,
} from '../src';

const RUNS = { numRuns: 40 };
const KEY = '/ottla/test/key';
const id = fc.nat();
const text = fc.string({ unit: 'binary' });
const version = fc.constant(1 as const);
const endpoint = { host: text, port: fc.nat(65_535) };
const replica = fc.record({ broker: id, logId: text });

const partitionFields = {
  version,
  replicas: fc.array(id),
  adding: fc.array(id),
  removing: fc.array(id),
  leader: fc.option(fc.record({ broker: id, run: text })),
  leaderEpoch: fc.integer({ min: -1 }),
  isr: fc.array(replica),
  elr: fc.array(replica),
  minIsr: id,
  lastKnownLeader: fc.option(replica),
  unclean: fc.boolean(),
};
const reassigned = { original: fc.array(id), removed: fc.array(id) };
const partition = fc.record(
  { ...partitionFields, ...reassigned },
  { requiredKeys: Object.keys(partitionFields) as (keyof typeof partitionFields)[], noNullPrototype: true },
);

const broker = fc.record({
  version,
  broker: id,
  run: text,
  logIds: fc.array(text),
  state: fc.constantFrom('active' as const, 'draining' as const),
  rack: fc.option(text),
  kafka: fc.array(fc.record({ listener: text, ...endpoint })),
  grpc: fc.record(endpoint),
  peer: fc.record(endpoint),
  startedAt: fc.nat(),
});

const configs = fc.dictionary(text, text, { noNullPrototype: true });

const records: [name: string, codec: unknown, record: fc.Arbitrary<object>][] = [
  ['generation', generationCodec, fc.record({ version, clusterId: text, generation: id })],
  ['broker registration', brokerRegistrationCodec, broker],
  ['last run', lastRunCodec, fc.record({ version, broker: id, run: text, starts: id })],
  ['controller claim', controllerClaimCodec, fc.record({ version, broker: id, run: text, epoch: id })],
  [
    'topic',
    topicRecordCodec,
    fc.record({ version, name: text, topicId: text, partitions: id, configs, internal: fc.boolean() }),
  ],
  ['partition', partitionRecordCodec, partition],
  [
    'deletion',
    deletionRecordCodec,
    fc.record({ version, topicId: text, name: text, partitions: id, brokers: fc.array(id) }),
  ],
  ['producer ids', producerIdsCodec, fc.record({ version, nextProducerId: fc.maxSafeNat(), broker: id, run: text })],
  ['configs', configRecordCodec, fc.record({ version, configs })],
];

const later = fc.dictionary(fc.stringMatching(/^later[A-Z]\w*$/), fc.jsonValue(), {
  minKeys: 1,
  noNullPrototype: true,
});

describe.each(records)('%s record', (_name, codec, arbitrary) => {
  const { encode, decode } = codec as Codec<object>;

  it('is read as it was written', () => {
    fc.assert(
      fc.property(arbitrary, (record) => expect(decode(encode(record), KEY)).toEqual(record)),
      RUNS,
    );
  });

  it('keeps, when it is written again, the fields of a later Ottla', () => {
    fc.assert(
      fc.property(arbitrary, later, (record, extra) => {
        const stored = Buffer.from(JSON.stringify({ ...record, ...extra }));
        const rewritten = JSON.parse(Buffer.from(encode(decode(stored, KEY))).toString());
        expect(rewritten).toEqual(JSON.parse(`${stored}`));
      }),
      RUNS,
    );
  });

  it('refuses a version that it does not know, and says so', () => {
    const [record] = fc.sample(arbitrary, 1);
    const stored = Buffer.from(JSON.stringify({ ...record, version: 2 }));
    expect(() => decode(stored, KEY)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_VERSION',
        message: `metadata store: ${KEY} has version 2, this broker reads version 1; start a newer Ottla`,
      }),
    );
  });

  it('refuses a record without one of its fields, and names it', () => {
    const [record] = fc.sample(arbitrary, 1) as [Record<string, unknown>];
    for (const name of Object.keys(record)) {
      const { [name]: _missing, ...rest } = record;
      if (name in reassigned) continue;
      const what = name === 'version' ? 'it carries no version' : `field ${name} is undefined`;
      expect(() => decode(Buffer.from(JSON.stringify(rest)), KEY)).toThrow(`${KEY} can't be read: ${what}`);
    }
  });
});

it.each([
  ['nothing', ''],
  ['half a record', '{"version":1,"epo'],
  ['no UTF-8', '\xff\xfe'],
  ['a list', '[]'],
  ['a number', '7'],
  ['null', 'null'],
  ['another version field', '{"version":"1"}'],
])('a value that holds %s: a clear error', (_name, stored) => {
  expect(() => controllerClaimCodec.decode(Buffer.from(stored, 'latin1'), KEY)).toThrow(
    `metadata store: ${KEY} can't be read`,
  );
});

it('a field of a wrong type: the error says what it should be', () => {
  const stored = { version: 1, broker: 1, run: 'r', epoch: '3' };
  expect(() => controllerClaimCodec.decode(Buffer.from(JSON.stringify(stored)), KEY)).toThrow(
    'field epoch is "3", not a whole number',
  );
});
