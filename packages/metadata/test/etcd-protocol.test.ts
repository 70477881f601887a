import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '../src/wire/etcd3-protocol';

type Services = Record<string, Record<string, MethodDefinition<object, object>>>;

const workspace = join(__dirname, '../../..');

/** What etcd3 loads for itself, outside a bundle. */
function etcd3Services(): Services {
  const fromEtcd3 = createRequire(require.resolve('etcd3'));
  const proto = join(dirname(require.resolve('etcd3')), '../proto/rpc.proto');
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
  return fromEtcd3('@grpc/proto-loader').loadSync(proto, options);
}

const key = Buffer.from('key');
const header = { cluster_id: '17', member_id: '18446744073709551615', revision: '9007199254740993', raft_term: '3' };
const kv = { key, create_revision: '2', mod_revision: '5', version: '3', value: Buffer.from([0, 255]), lease: '-7' };

const requests: [method: string, request: object][] = [
  [
    'KV.Range',
    { key, range_end: Buffer.from('kez'), limit: 10, revision: 7, sort_order: 1, sort_target: 3, keys_only: true },
  ],
  [
    'KV.Txn',
    {
      compare: [
        { key, result: 0, target: 1, create_revision: 0 },
        { key, result: 1, target: 2, mod_revision: 4 },
        { key, result: 2, target: 0, version: 4 },
        { key, result: 0, target: 3, value: Buffer.from('v') },
      ],
      success: [{ request_put: { key, value: Buffer.from('v'), lease: '7587' } }, { request_range: { key } }],
      failure: [{ request_delete_range: { key, range_end: Buffer.from('kez') } }],
    },
  ],
  ['KV.Compact', { revision: '12', physical: true }],
  [
    'Watch.Watch',
    { create_request: { key, range_end: key, start_revision: 5, progress_notify: true, fragment: true } },
  ],
  ['Watch.Watch', { progress_request: {} }],
  ['Lease.LeaseGrant', { TTL: 10 }],
  ['Lease.LeaseRevoke', { ID: '9223372036854775807' }],
  ['Lease.LeaseKeepAlive', { ID: '-9223372036854775808' }],
];

const responses: [method: string, response: object][] = [
  ['KV.Range', { header, kvs: [kv, { ...kv, lease: '9223372036854775807' }], more: true, count: '2' }],
  [
    'KV.Txn',
    { header, succeeded: true, responses: [{ response_range: { header, kvs: [kv], count: 1 } }, { response_put: {} }] },
  ],
  ['Watch.Watch', { header, watch_id: '-1' }],
  ['Watch.Watch', { header, watch_id: '0', canceled: true, compact_revision: '77', cancel_reason: 'compacted' }],
  ['Watch.Watch', { header, watch_id: '3', fragment: true, events: [{ kv }, { type: 1, kv, prev_kv: kv }] }],
  ['Lease.LeaseGrant', { header, ID: '4611686018427387904', TTL: '10', error: '' }],
  ['Lease.LeaseKeepAlive', { header, ID: '5', TTL: '0' }],
];

describe('etcd protocol', () => {
  const theirs = etcd3Services();
  const ours = loadSync() as unknown as Services;
  const method = (services: Services, name: string) => {
    const [service, call] = name.split('.') as [string, string];
    return services[`etcdserverpb.${service}`]![call]!;
  };

  it.each(requests)('%s: a request has the bytes that etcd3 would send', (name, request) => {
    expect(method(ours, name).requestSerialize(request)).toEqual(method(theirs, name).requestSerialize(request));
  });

  it.each(responses)('%s: a response is decoded as etcd3 decodes it', (name, response) => {
    const bytes = method(theirs, name).responseSerialize(response);
    const decoded = withoutEnumCase(method(ours, name).responseDeserialize(bytes));
    // What etcd3 knows and this subset doesn't is absent.
    expect(withoutEnumCase(method(theirs, name).responseDeserialize(bytes))).toMatchObject(decoded);
  });

  it('has the paths and names of the methods that it serves', () => {
    for (const [service, methods] of Object.entries(ours)) {
      for (const [name, { path, originalName, requestStream, responseStream }] of Object.entries(methods)) {
        expect(theirs[service]![name]).toMatchObject({ path, originalName, requestStream, responseStream });
      }
    }
  });

  it('is up to date with proto/etcd', () => {
    const check = spawnSync(process.execPath, [join(workspace, 'scripts/proto-etcd.mjs'), '--check']);
    expect(`${check.stderr}`).toBe('');
    expect(check.status).toBe(0);
  });
});

/** Names of enum values: `Delete` in etcd3, `DELETE` in etcd. */
function withoutEnumCase(message: object): object {
  return JSON.parse(JSON.stringify(message, (name, value) => (name === 'type' ? String(value).toUpperCase() : value)));
}
