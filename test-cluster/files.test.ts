import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { RunningCluster } from './harness/cluster';
import { writeCorpus } from './harness/corpus';
import { registerCodecs } from './harness/kafkajs-codecs';
import { kcat } from './harness/kcat';
import { newerNode } from './harness/newer-node';
import { describeWith, OTTLA, scratchDir } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(300_000);

const MIB = 1024 * 1024;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

let cluster: RunningCluster;
let scratch: ReturnType<typeof scratchDir>;
let path: string;
let corpus: Buffer;

beforeAll(async () => {
  registerCodecs();
  scratch = scratchDir('files');
  path = join(scratch.path, 'corpus');
  corpus = writeCorpus(path, 50 * MIB);
  cluster = await RunningCluster.start();
});

afterAll(async () => {
  await cluster?.stop();
  scratch?.remove();
});

describeWith(['kcat'], 'apt-get install kcat')('a file of 50 MB', () => {
  it.each(CODECS)('compressed with %s goes in by kcat and comes back identical by three clients', async (codec) => {
    const topic = `file-${codec}`;
    cluster.run('topics', 'create', topic, '--partitions', '1', '--replication-factor', '3');
    kcat(cluster.bootstrap, ['-P', '-t', topic, '-p', '0', '-z', codec, '-X', 'enable.idempotence=true', '-l', path]);

    expectSame(kcat(cluster.bootstrap, ['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']));
    expectSame(await readByKafkajs(topic));
    expectSame(readByPlatformatic(topic));
  });
});

describe('a file of 50 MB through the command line', () => {
  it('goes in by ottla produce and comes back identical by ottla consume', () => {
    cluster.run('topics', 'create', 'file-cli', '--partitions', '1', '--replication-factor', '3');
    ottla(['produce', '--topic', 'file-cli'], corpus);
    expectSame(ottla(['consume', '--topic', 'file-cli', '--from', 'earliest', '--exit-at-end']));
  });
});

function expectSame(actual: Buffer): void {
  expect({ bytes: actual.length, sha256: sha256(actual) }).toEqual({ bytes: corpus.length, sha256: sha256(corpus) });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function ottla(args: readonly string[], input?: Buffer): Buffer {
  const command = [OTTLA, ...args, '--bootstrap', cluster.bootstrap];
  const result = spawnSync(process.execPath, command, { input, maxBuffer: 1 << 30, timeout: 120_000 });
  if (result.status !== 0) throw new Error(`ottla ${args.join(' ')} exited ${result.status}: ${result.stderr}`);
  return result.stdout;
}

function readByPlatformatic(topic: string): Buffer {
  const script = join(__dirname, 'harness', 'read-values.mjs');
  const options = { maxBuffer: 1 << 30, timeout: 120_000 };
  const result = spawnSync(newerNode(24), [script, cluster.bootstrap, topic], options);
  if (result.status !== 0) throw new Error(`@platformatic/kafka exited ${result.status}: ${result.stderr}`);
  return result.stdout;
}

async function readByKafkajs(topic: string): Promise<Buffer> {
  const kafka = new Kafka({ clientId: 'files', brokers: cluster.brokerAddresses, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `files-${topic}`, maxBytesPerPartition: 8 * MIB });
  const newline = Buffer.from('\n');
  const values: Buffer[] = [];
  let size = 0;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        values.push(value!, newline);
        size += value!.length + 1;
      }
    },
  });
  await waitFor(`kafkajs to read ${corpus.length} bytes`, () => size >= corpus.length, 120_000, 20);
  await consumer.disconnect();
  return Buffer.concat(values);
}
