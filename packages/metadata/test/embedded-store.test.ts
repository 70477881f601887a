import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk, nodeClock, nodeDisk, silentLogger } from '@ottla/runtime';
import { type EmbeddedStore, EtcdStore, startEmbeddedStore } from '../src';
import { compactEtcd } from './support/compaction';
import { conformance } from './support/conformance';
import { networkConformance } from './support/network-conformance';
import { Recorder } from './support/recorder';

async function start(): Promise<EmbeddedStore & { stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'ottla-store-'));
  const store = await startEmbeddedStore({
    dir,
    host: '127.0.0.1',
    port: 0,
    clock: nodeClock,
    disk: nodeDisk,
    logger: silentLogger,
  });
  const stop = async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  };
  return { ...store, stop };
}

describe('embedded store, through its etcd API', () => {
  let server: Awaited<ReturnType<typeof start>>;
  let store: EtcdStore;

  beforeAll(async () => {
    server = await start();
    store = new EtcdStore({ endpoints: [server.endpoint], clock: nodeClock, logger: silentLogger });
  });

  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  const compact = (revision: number) => compactEtcd(server.endpoint, revision);
  conformance(() => ({ store, shortTtlMs: 1_000, compact }));

  describe('over a failing network', () => {
    networkConformance(() => ({ endpoint: server.endpoint, compact, startAnother: start }));
  });
});

describe('embedded store, itself', () => {
  const startOn = (disk: MemoryDisk, port = 0, dir = '/store') =>
    startEmbeddedStore({
      dir,
      host: '127.0.0.1',
      port,
      clock: nodeClock,
      disk: disk.mount(),
      logger: silentLogger,
    });
  const connectTo = (server: EmbeddedStore) =>
    new EtcdStore({ endpoints: [server.endpoint], clock: nodeClock, logger: silentLogger });
  const put = async (store: EtcdStore, key: string, lease?: string) => {
    const op = { type: 'put' as const, key, value: Buffer.from('x') };
    return (await store.txn({ compare: [], success: [lease === undefined ? op : { ...op, lease }] })).revision;
  };

  it('restarted: watches resume, leases live on, and nothing is lost', async () => {
    const disk = new MemoryDisk();
    const first = await startOn(disk);
    const store = connectTo(first);
    const lease = await store.grantLease(30_000);
    const revision = await put(store, '/a', lease.id);
    const seen = new Recorder();
    store.watch('/', revision, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    await first.close();
    const second = await startOn(disk, first.port);
    expect(await store.keepAlive(lease.id)).toEqual({ ttlMs: 30_000 });
    await put(store, '/b');
    await seen.until(({ revisions }) => revisions.length === 2);
    expect(seen.summary).toEqual([
      [revision, ['/a']],
      [revision + 1, ['/b']],
    ]);
    await store.close();
    await second.close();
    expect(disk.openFiles).toBe(0);
  }, 30_000);

  it('its disk fails: the write may have been carried out, and the store says why it stopped', async () => {
    const disk = new MemoryDisk();
    const server = await startOn(disk);
    const store = connectTo(server);
    await put(store, '/a');
    disk.failNext('sync', { errno: 'EIO' });
    await expect(put(store, '/b')).rejects.toMatchObject({ name: 'StoreUnavailableError', maybeApplied: true });
    expect(await server.failed).toMatchObject({ code: 'KAFKA_STORAGE_ERROR', message: expect.stringContaining('EIO') });
    await store.close();
    await server.close();
  }, 30_000);

  it('a port in use: says which, and what to do', async () => {
    const disk = new MemoryDisk();
    const server = await startOn(disk);
    await expect(startOn(disk, server.port, '/other')).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: `metadata store: can't listen on 127.0.0.1:${server.port}: the port is in use; stop what listens there or choose another`,
    });
    await server.close();
    const again = await startOn(disk, 0, '/other');
    await again.close();
  });
});
