import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { partitionForGroup } from '@ottla/groups';
import { Kafka, logLevel } from 'kafkajs';
import { type BrokerEntry, RunningCluster } from './harness/cluster';
import { writeCorpus } from './harness/corpus';
import { KAFKA_INSTALL, KAFKA_NEEDS, runKafkaTool } from './harness/kafka-tools';
import { kcat } from './harness/kcat';
import { describeWith, scratchDir } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(300_000);

const TOPIC = 'dumped';
const GROUP = 'readers';
const COMMITTED = 17;
const SEGMENT_BYTES = 256 * 1024;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const KEYED_RECORDS = 300;

let scratch: ReturnType<typeof scratchDir>;
let cluster: RunningCluster;
let records: number;

/** Kafka's own program, which prints what is in a broker's files and complains on standard error about what is wrong. */
function dump(files: readonly string[], ...flags: string[]): string[] {
  const { stdout, stderr } = runKafkaTool('kafka.tools.DumpLogSegments', ['--files', files.join(','), ...flags]);
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

function segmentFiles({ dataDir }: BrokerEntry, partition: string, suffix: string): string[] {
  const folder = join(dataDir, partition);
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => join(folder, name));
}

interface DumpedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly codec: string;
  readonly isValid: boolean;
}

const BATCH = /^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .* compresscodec: (\w+) .* isvalid: (true|false)$/;

function batchesIn(lines: readonly string[]): DumpedBatch[] {
  return lines.flatMap((line) => {
    const match = BATCH.exec(line);
    if (match === null) return [];
    const [baseOffset, lastOffset, count] = match.slice(1, 4).map(Number) as [number, number, number];
    return [{ baseOffset, lastOffset, count, codec: match[4]!, isValid: match[5] === 'true' }];
  });
}

const DECODED = /^\| offset: \d+ .* key: (\{.*?\}) payload: (\{.*\})$/;

/** Key and value of a record of a group's coordinator; the tool prints both as JSON with its quotes escaped. */
function coordinatorRecord(line: string): { key: unknown; value: unknown }[] {
  const match = DECODED.exec(line);
  if (match === null) return [];
  const [key, value] = match.slice(1, 3).map((text) => JSON.parse(text.replaceAll('\\"', '"')));
  return [{ key, value }];
}

/** Lines of text by kcat with each codec; then records with keys and headers by kafkajs's idempotent producer. */
async function fillTopic(): Promise<number> {
  cluster.run(
    ...['topics', 'create', TOPIC, '--partitions', '1', '--replication-factor', '3'],
    ...['--config', `segment.bytes=${SEGMENT_BYTES}`],
  );
  const path = join(scratch.path, 'lines');
  const lines = writeCorpus(path, 1024 * 1024)
    .toString('utf8')
    .trimEnd()
    .split('\n').length;
  for (const codec of CODECS) {
    const smallBatches = ['-X', 'batch.size=16384', '-X', 'message.max.bytes=250000'];
    kcat(cluster.bootstrap, ['-P', '-t', TOPIC, '-p', '0', '-z', codec, ...smallBatches, '-l', path]);
  }
  const producer = kafka().producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const messages = Array.from({ length: KEYED_RECORDS }, (_, index) => ({
    partition: 0,
    key: index % 3 === 0 ? null : `key-${index}`,
    value: index % 5 === 0 ? null : `value-${index}`,
    headers: { index: String(index) },
  }));
  await producer.send({ topic: TOPIC, acks: -1, messages });
  await producer.disconnect();
  return lines * CODECS.length + KEYED_RECORDS;
}

/** A group of one member that commits one offset. */
async function commitOffset(): Promise<void> {
  const consumer = kafka().consumer({ groupId: GROUP, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  let joined = false;
  consumer.on(consumer.events.GROUP_JOIN, () => {
    joined = true;
  });
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  await waitFor('the consumer to join its group', () => joined);
  await consumer.commitOffsets([{ topic: TOPIC, partition: 0, offset: String(COMMITTED), metadata: 'halfway' }]);
  await consumer.disconnect();
}

function kafka(): Kafka {
  return new Kafka({ clientId: 'dump-log', brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });
}

const offsetsFolder = (): string => {
  const partitions = cluster.describeTopic('__consumer_offsets').partitions.length;
  return `__consumer_offsets-${partitionForGroup(GROUP, partitions)}`;
};

describeWith(['kcat', ...KAFKA_NEEDS], `apt-get install kcat; ${KAFKA_INSTALL}`)('kafka-dump-log', () => {
  let groupFolder: string;

  beforeAll(async () => {
    scratch = scratchDir('dump-log');
    cluster = await RunningCluster.start({ dataDir: join(scratch.path, 'cluster') });
    records = await fillTopic();
    await commitOffset();
    groupFolder = offsetsFolder();
    const replicas = (): number[] => cluster.describeTopic(TOPIC).partitions[0]!.progress!.map(({ logEnd }) => logEnd);
    await waitFor('all replicas to have everything', () => replicas().every((logEnd) => logEnd === records));
  });

  afterAll(async () => {
    await cluster?.stop();
    scratch?.remove();
  });

  describe.each([
    ['running', async () => {}],
    ['stopped', () => cluster.stop()],
  ])('on the files of %s brokers', (_state, enter) => {
    beforeAll(enter);

    it.each([1, 2, 3])('finds every batch of broker %i valid and the offsets consecutive', (id) => {
      const files = segmentFiles(cluster.broker(id), `${TOPIC}-0`, '.log');
      expect(files.length).toBeGreaterThan(4);
      const lines = dump(files, '--deep-iteration');
      const batches = batchesIn(lines);
      expect(batches.filter(({ isValid }) => !isValid)).toEqual([]);
      expect(batches[0]!.baseOffset).toBe(0);
      for (const [index, batch] of batches.entries()) {
        expect(batch.count).toBe(batch.lastOffset - batch.baseOffset + 1);
        if (index > 0) expect(batch.baseOffset).toBe(batches[index - 1]!.lastOffset + 1);
      }
      expect(batches.at(-1)!.lastOffset).toBe(records - 1);
      expect(new Set(batches.map(({ codec }) => codec))).toEqual(new Set(CODECS));
      expect(lines.filter((line) => line.startsWith('| offset: '))).toHaveLength(records);
    });

    it.each(['.index', '.timeindex'])('finds each %s sane', (suffix) => {
      const files = segmentFiles(cluster.broker(1), `${TOPIC}-0`, suffix);
      const lines = dump(files, '--index-sanity-check');
      // The last segment may be too short to have an entry yet; every other has.
      for (const file of files.slice(0, -1)) expect(lines).toContain(`${file} passed sanity check.`);
    });

    it('finds at each position that an offset index names the batch that it names', () => {
      const files = segmentFiles(cluster.broker(1), `${TOPIC}-0`, '.index');
      const entries = dump(files).filter((line) => /^offset: \d+ position: \d+$/.test(line));
      expect(entries.length).toBeGreaterThan(10 * (files.length - 1));
    });

    it('finds at each offset that a time index names the timestamp that it names', () => {
      const files = segmentFiles(cluster.broker(1), `${TOPIC}-0`, '.timeindex');
      const entries = dump(files).filter((line) => /^timestamp: \d+ offset: \d+$/.test(line));
      expect(entries.length).toBeGreaterThanOrEqual(files.length - 1);
    });

    it('decodes the group and its committed offset in __consumer_offsets', () => {
      const files = segmentFiles(cluster.broker(1), groupFolder, '.log');
      const decoded = dump(files, '--offsets-decoder').flatMap(coordinatorRecord);
      expect(decoded).toContainEqual({
        key: { type: '1', data: { group: GROUP, topic: TOPIC, partition: 0 } },
        value: expect.objectContaining({ data: expect.objectContaining({ offset: COMMITTED, metadata: 'halfway' }) }),
      });
      const assignment = { assignedPartitions: [{ topic: TOPIC, partitions: [0] }], userData: '' };
      const member = expect.objectContaining({ clientId: 'dump-log', assignment });
      expect(decoded).toContainEqual({
        key: { type: '2', data: { group: GROUP } },
        value: expect.objectContaining({ data: expect.objectContaining({ generation: 1, members: [member] }) }),
      });
    });
  });

  it('reads the last sequence of the idempotent producer in the last producer snapshot', () => {
    const files = segmentFiles(cluster.broker(1), `${TOPIC}-0`, '.snapshot');
    const last = `lastSequence: ${KEYED_RECORDS - 1} lastOffset: ${records - 1} `;
    expect(dump(files).at(-1)).toContain(last);
  });
});
