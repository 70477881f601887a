import { nodeClock, silentLogger } from '@ottla/runtime';
import { EtcdStore, StoreUnavailableError } from '../src';
import { compactEtcd } from './support/compaction';
import { conformance } from './support/conformance';
import { EtcdProcess, etcdIsInstalled } from './support/etcd-process';
import { connect, networkConformance } from './support/network-conformance';
import { Recorder } from './support/recorder';

const describeEtcd = etcdIsInstalled ? describe : describe.skip;
if (!etcdIsInstalled) console.warn('etcd is not installed, its tests are skipped: apt-get install etcd-server');

describeEtcd('etcd', () => {
  let etcd: EtcdProcess;
  let store: EtcdStore;

  beforeAll(async () => {
    etcd = await EtcdProcess.start();
    store = new EtcdStore({
      endpoints: [etcd.endpoint],
      clock: nodeClock,
      logger: silentLogger,
      requestTimeoutMs: 15_000,
    });
    await store.get('/started');
  }, 30_000);

  afterAll(async () => {
    await store.close();
    await etcd.stop();
  });

  const compact = (revision: number) => compactEtcd(etcd.endpoint, revision);
  conformance(() => ({ store, shortTtlMs: 1_000, compact }));

  describe('over a failing network', () => {
    networkConformance(() => ({ endpoint: etcd.endpoint, compact, startAnother: () => EtcdProcess.start() }));
  });

  it('stopped for a while: calls end by their deadline, and watches go on when it continues', async () => {
    const impatient = connect(etcd.endpoint);
    const put = (value: string) =>
      impatient.txn({ compare: [], success: [{ type: 'put', key: '/stopped/a', value: Buffer.from(value) }] });
    const { revision } = await put('before');
    const seen = new Recorder();
    const watch = impatient.watch('/stopped/', revision, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    etcd.pause();
    try {
      await expect(impatient.get('/stopped/a')).rejects.toThrow(StoreUnavailableError);
      await expect(put('during')).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' });
    } finally {
      etcd.resume();
    }
    await store.get('/stopped/a');
    await put('after');
    await seen.until(({ revisions }) =>
      revisions.some(({ events }) =>
        events.some((event) => event.type === 'put' && `${Buffer.from(event.kv.value)}` === 'after'),
      ),
    );
    watch.close();
    await impatient.close();
    const delivered = seen.revisions.map((one) => one.revision);
    expect(delivered).toEqual([...new Set(delivered)].sort((a, b) => a - b));
  }, 30_000);
});
