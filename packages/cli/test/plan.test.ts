import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerIdsIn, layoutOf } from '../src/up/layout';
import { parseEtcd, parseSettings, type UpOptions } from '../src/up/options';
import { makePlan } from '../src/up/plan';
import { Ports } from '../src/up/ports';

const root = mkdtempSync(join(tmpdir(), 'ottla-plan-'));
let runs = 0;
let port = 0;

/** A port below which nothing of the test listens, different for each run. */
beforeEach(() => {
  runs++;
  port = 10_000 + (process.pid % 1_000) * 10 + runs * 20;
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function options(change: Partial<UpOptions> = {}): UpOptions {
  return {
    brokers: null,
    port,
    host: '127.0.0.1',
    data: join(root, String(runs)),
    etcd: null,
    restart: false,
    json: false,
    logs: false,
    settings: {},
    ...change,
  };
}

async function plan(change: Partial<UpOptions> = {}) {
  const all = options(change);
  mkdirSync(all.data, { recursive: true });
  return makePlan(all, layoutOf(all.data));
}

const configOf = (broker: { files: { config: string } }) => JSON.parse(readFileSync(broker.files.config, 'utf8'));

function listen(at: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(at, '127.0.0.1', () => resolve(server));
  });
}

describe('the plan of a cluster', () => {
  it('three brokers unless told otherwise, on consecutive ports', async () => {
    const { brokers, store } = await plan();
    expect(brokers.map(({ id, kafka }) => [id, kafka])).toEqual([
      [1, `127.0.0.1:${port}`],
      [2, `127.0.0.1:${port + 1}`],
      [3, `127.0.0.1:${port + 2}`],
    ]);
    expect(store.kind).toBe('embedded');
  });

  it('gives each broker a config file with all that it needs', async () => {
    const { clusterId, brokers, store } = await plan({ brokers: 2 });
    expect(configOf(brokers[1]!)).toEqual({
      'node.id': 2,
      'cluster.id': clusterId,
      'cluster.expected.brokers': 2,
      'log.dirs': brokers[1]!.files.data,
      listeners: `PLAINTEXT://127.0.0.1:${port + 1}`,
      'grpc.listen': brokers[1]!.grpc,
      'peer.listen': brokers[1]!.peer,
      'admin.listen': brokers[1]!.admin,
      'metadata.store': 'embedded',
      'metadata.store.endpoints': store.kind === 'embedded' ? store.endpoint : '',
    });
  });

  it('no port is given out twice', async () => {
    const { brokers, store } = await plan({ brokers: 5 });
    const all = brokers.flatMap(({ kafka, grpc, peer, admin }) => [kafka, grpc, peer, admin]);
    if (store.kind === 'embedded') all.push(store.endpoint);
    expect(new Set(all).size).toBe(21);
  });

  it('a second start has the cluster id, the ports and as many brokers as the first', async () => {
    const first = await plan({ brokers: 2 });
    const second = await plan();
    expect(second).toEqual(first);
  });

  it('fewer brokers than the directory holds: the others are named', async () => {
    await plan({ brokers: 3 });
    const { brokers, leftOut } = await plan({ brokers: 1 });
    expect([brokers.length, leftOut]).toEqual([1, [2, 3]]);
  });

  it('settings of a broker that its owner added stay; those that `up` decides are put right', async () => {
    const { brokers } = await plan({ brokers: 1 });
    const file = brokers[0]!.files.config;
    writeFileSync(file, JSON.stringify({ ...configOf(brokers[0]!), 'log.segment.bytes': 1_000_000, 'node.id': 9 }));
    const again = await plan({ brokers: 1, settings: { 'num.partitions': '4' } });
    expect(configOf(again.brokers[0]!)).toMatchObject({
      'log.segment.bytes': 1_000_000,
      'num.partitions': '4',
      'node.id': 1,
    });
  });

  it('a setting that `up` decides cannot be set', async () => {
    await expect(plan({ settings: { listeners: 'x' } })).rejects.toThrow('--set listeners');
  });

  it('a kept port that is in use is replaced', async () => {
    const { brokers } = await plan({ brokers: 1 });
    const kept = Number(brokers[0]!.grpc.split(':')[1]);
    const occupant = await listen(kept);
    const again = await plan({ brokers: 1 });
    occupant.close();
    expect(again.brokers[0]!.grpc).not.toBe(brokers[0]!.grpc);
    expect(configOf(again.brokers[0]!)['grpc.listen']).toBe(again.brokers[0]!.grpc);
  });

  it('a Kafka port that is in use is named, with the way out', async () => {
    const occupant = await listen(port + 1);
    const failure = await plan({ brokers: 2 }).catch((error: Error) => error.message);
    occupant.close();
    expect(failure).toBe(
      `broker 2 can't listen on 127.0.0.1:${port + 1}: the port is in use; stop what listens there, or choose other ports with --port`,
    );
  });

  it('a config file that is not JSON is named', async () => {
    const { brokers } = await plan({ brokers: 1 });
    writeFileSync(brokers[0]!.files.config, '{"node.id": ');
    await expect(plan({ brokers: 1 })).rejects.toThrow(`${brokers[0]!.files.config} is not JSON`);
  });

  it('on every interface: clients may come from elsewhere, what the processes tell each other stays here', async () => {
    const { brokers, store } = await plan({ brokers: 1, host: '0.0.0.0' });
    const [{ kafka, grpc, peer, admin }] = brokers as [(typeof brokers)[0]];
    expect([kafka, grpc, peer, admin].map((at) => at.split(':')[0])).toEqual([
      '0.0.0.0',
      '0.0.0.0',
      '127.0.0.1',
      '0.0.0.0',
    ]);
    expect(store.kind === 'embedded' && store.endpoint).toMatch(/^127\.0\.0\.1:/);
  });

  it('with etcd no store is started, and brokers are told its addresses', async () => {
    const { brokers, store } = await plan({ brokers: 1, etcd: ['a:2379', 'b:2379'] });
    expect(store).toEqual({ kind: 'etcd', endpoints: ['a:2379', 'b:2379'] });
    expect(configOf(brokers[0]!)).toMatchObject({
      'metadata.store': 'etcd',
      'metadata.store.endpoints': 'a:2379,b:2379',
    });
  });
});

describe('ports', () => {
  it('too high a port is refused', async () => {
    await expect(new Ports().claim('127.0.0.1', 65_536, 'broker 2')).rejects.toThrow('choose a lower --port');
  });

  it('an address that this machine does not have is named', async () => {
    await expect(new Ports().claim('203.0.113.1', port, 'broker 1')).rejects.toThrow('choose another with --host');
  });
});

describe('options', () => {
  it.each([
    ['http://127.0.0.1:2379', ['127.0.0.1:2379']],
    ['a:1, http://b:2/', ['a:1', 'b:2']],
    ['[::1]:2379', ['[::1]:2379']],
  ])('--etcd %s', (given, endpoints) => {
    expect(parseEtcd(given)).toEqual(endpoints);
  });

  it.each(['', 'localhost', 'https://a:1', 'a:1,'])('--etcd %p is refused', (given) => {
    expect(() => parseEtcd(given)).toThrow('--etcd');
  });

  it('--set takes NAME=VALUE, and the value may have more equals signs', () => {
    expect(parseSettings(['a.b=1', 'c=x=y'])).toEqual({ 'a.b': '1', c: 'x=y' });
    expect(() => parseSettings(['novalue'])).toThrow('expected NAME=VALUE');
  });
});

describe('the layout', () => {
  it('finds the brokers of a directory, and nothing else', () => {
    expect(brokerIdsIn(['broker-10', 'broker-2', 'store', 'broker-x', 'broker-1.bak'])).toEqual([2, 10]);
  });
});
