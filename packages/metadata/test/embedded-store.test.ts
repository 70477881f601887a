import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeClock, nodeDisk, silentLogger } from '@ottla/runtime';
import { type EmbeddedStore, EtcdStore, startEmbeddedStore } from '../src';
import { compactEtcd } from './support/compaction';
import { conformance } from './support/conformance';
import { networkConformance } from './support/network-conformance';

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
