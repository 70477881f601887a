import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { apis, ErrorCode, encodeBatch } from '@ottla/protocol';
import { RunningCluster } from './harness/cluster';
import { freePorts, OTTLA, scratchDir } from './harness/processes';
import { RawConnection } from './harness/raw-connection';

jest.setTimeout(120_000);

const TOPIC = 'sturdy';
const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';

let cluster: RunningCluster;

beforeAll(async () => {
  cluster = await RunningCluster.start({ brokers: 1 });
  cluster.run('topics', 'create', TOPIC, '--partitions', '1', '--replication-factor', '1');
});

afterAll(() => cluster?.stop());

const batch = (): Uint8Array => encodeBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('kept') }] });

const oldMagic = (): Uint8Array => {
  const bytes = batch();
  bytes[16] = 1;
  return bytes;
};

const flippedBit = (): Uint8Array => {
  const bytes = batch();
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
};

const cutShort = (): Uint8Array => batch().subarray(0, 70);

async function withConnection<T>(
  use: (connection: RawConnection) => Promise<T>,
  address = cluster.bootstrap,
): Promise<T> {
  const connection = await RawConnection.open(address);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

async function produce(
  records: Uint8Array,
  topic = TOPIC,
): Promise<{ errorCode: number; errorMessage: string | null }> {
  return withConnection(async (connection) => {
    const topicData = [{ name: topic, topicId: NO_TOPIC_ID, partitionData: [{ index: 0, records }] }];
    const response = await connection.call(apis.Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5_000,
      topicData,
    });
    return response.responses[0]!.partitionResponses[0]!;
  });
}

async function fetchError(offset: number, currentLeaderEpoch: number): Promise<number> {
  return withConnection(async (connection) => {
    const partitions = [{ partition: 0, currentLeaderEpoch, fetchOffset: offset, partitionMaxBytes: 1_000_000 }];
    const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: TOPIC, topicId: NO_TOPIC_ID, partitions }] };
    const response = await connection.call(apis.Fetch, 11, { replicaId: -1, forgottenTopicsData: [], ...request });
    return response.responses[0]!.partitions[0]!.errorCode;
  });
}

/** Others are served as if nothing had happened. */
async function expectServing(): Promise<void> {
  expect((await produce(batch())).errorCode).toBe(ErrorCode.NONE);
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

describe('a Kafka port that is sent', () => {
  afterEach(expectServing);

  it.each([
    ['a negative length', int32(-5)],
    ['a length beyond the limit', int32(0x15ffffff)],
    ['an unknown API key', Buffer.concat([int32(10), Buffer.from([0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff])])],
    ['a frame that ends within its header', Buffer.concat([int32(3), Buffer.from([0, 3, 0])])],
    ['noise', Buffer.from('the quick brown fox jumps over the lazy dog')],
    ['a TLS client hello', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
  ])('%s closes that connection and serves the others', async (_name, bytes) => {
    await withConnection(async (connection) => {
      connection.send(bytes);
      await connection.untilClosed();
    });
  });

  it('an HTTP request is answered with a sentence about what the port is', async () => {
    await withConnection(async (connection) => {
      connection.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      const answer = (await connection.untilClosed()).toString();
      expect(answer).toMatch(/^HTTP\/1.1 400/);
      expect(answer).toMatch(/Kafka port/);
    });
  });

  it('half a frame waits for the rest, and its client may leave', async () => {
    await withConnection(async (connection) => {
      connection.send(Buffer.concat([int32(100), Buffer.alloc(10)]));
      await expectServing();
    });
  });

  it('a newer version of ApiVersions is answered with what is supported', async () => {
    await withConnection(async (connection) => {
      const header = Buffer.from([0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff]);
      connection.send(Buffer.concat([int32(header.length), header]));
      const { errorCode, apiKeys } = await connection.answer(apis.ApiVersions, 0);
      expect(errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
      expect(apiKeys.map(({ apiKey }) => apiKey)).toContain(apis.ApiVersions.key);
    });
  });
});

describe('a gRPC port that is sent', () => {
  it('noise closes that connection and serves the others', async () => {
    await withConnection(async (connection) => {
      connection.send(Buffer.from('certainly not HTTP/2, whatever it may be otherwise'));
      await connection.untilClosed();
    }, cluster.broker(1).grpc);
    await expectServing();
  });
});

describe('a produce with', () => {
  it.each([
    ['a wrong CRC', flippedBit, ErrorCode.CORRUPT_MESSAGE],
    ['a batch that is cut short', cutShort, ErrorCode.CORRUPT_MESSAGE],
    ['an old magic', oldMagic, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT],
  ])('%s is refused with a sentence', async (_name, records, expected) => {
    const { errorCode, errorMessage } = await produce(records());
    expect(errorCode).toBe(expected);
    expect(errorMessage).toMatch(/\w+ \w+/);
  });

  it('a partition that does not exist is refused', async () => {
    expect((await produce(batch(), 'never-heard-of')).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('a fetch', () => {
  it('beyond the end answers OFFSET_OUT_OF_RANGE', async () => {
    expect(await fetchError(1_000_000, -1)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it('with a later epoch than the leader knows answers UNKNOWN_LEADER_EPOCH', async () => {
    expect(await fetchError(0, 1_000)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  });
});

describe('ottla up', () => {
  function up(...args: string[]): { status: number | null; stderr: string } {
    const { status, stderr } = spawnSync(process.execPath, [OTTLA, 'up', ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, stderr };
  }

  it('on a port in use names the port and exits', async () => {
    const port = await freePorts(1);
    const occupant = createServer().listen(port, '127.0.0.1');
    await once(occupant, 'listening');
    const dir = scratchDir('occupied');
    const { status, stderr } = up('--brokers', '1', '--port', String(port), '--data', dir.path);
    occupant.close();
    dir.remove();
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`${port}.*in use`));
  });

  it('with a data directory that cannot be made says so and exits', () => {
    const dir = scratchDir('file');
    const file = join(dir.path, 'a-file');
    writeFileSync(file, '');
    const { status, stderr } = up('--brokers', '1', '--data', join(file, 'below'));
    dir.remove();
    expect(status).toBe(1);
    expect(stderr).toContain(file);
  });

  it('with an etcd that nobody runs says so and exits', async () => {
    const dir = scratchDir('no-etcd');
    const port = await freePorts(2);
    const { status, stderr } = up(
      ...['--brokers', '1', '--port', String(port), '--data', dir.path, '--etcd', `http://127.0.0.1:${port + 1}`],
    );
    dir.remove();
    expect(status).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${port + 1}`);
  });
});

describe('ottla broker', () => {
  function broker(config: string): { status: number | null; stderr: string } {
    const args = [OTTLA, 'broker', '--config', config];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
    return { status, stderr };
  }

  function changedConfig(folder: string, changes: Record<string, unknown>): string {
    const settings = JSON.parse(readFileSync(cluster.broker(1).config, 'utf8'));
    const path = join(folder, 'config.json');
    writeFileSync(path, JSON.stringify({ ...settings, ...changes }));
    return path;
  }

  it('with an unknown setting names it and the nearest one', () => {
    const dir = scratchDir('typo');
    const { status, stderr } = broker(changedConfig(dir.path, { 'log.segment.byts': 1 }));
    dir.remove();
    expect(status).toBe(1);
    expect(stderr).toMatch(/log\.segment\.byts.*log\.segment\.bytes/s);
  });

  it('on the data directory of another cluster refuses it', () => {
    const dir = scratchDir('foreign');
    mkdirSync(join(dir.path, 'data'));
    const meta = join(cluster.broker(1).dataDir, 'meta.json');
    writeFileSync(join(dir.path, 'data', 'meta.json'), readFileSync(meta));
    const changes = { 'cluster.id': 'another', 'log.dirs': [join(dir.path, 'data')] };
    const { status, stderr } = broker(changedConfig(dir.path, changes));
    dir.remove();
    expect(status).toBe(1);
    expect(stderr).toMatch(/another/);
  });
});
