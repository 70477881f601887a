import type { loadPackageDefinition } from '@grpc/grpc-js';
import { etcdMethods } from './etcd-protocol';

/** As etcd3 has its messages. */
const CONVERSION = { longs: String, enums: String, defaults: true, arrays: true, oneofs: true } as const;
const SERVICES = ['KV', 'Watch', 'Lease', 'Cluster', 'Maintenance'];

/**
 * In a bundle this stands for the `@grpc/proto-loader` that etcd3 reads its .proto files with (scripts/etcd3-plugin.mjs):
 * a bundle has no files beside it, and reading them is most of what loading etcd3 takes. Names of enum values are etcd's
 * own in it, where etcd3's are capitalized: use their numbers.
 */
export function loadSync(): Parameters<typeof loadPackageDefinition>[0] {
  return Object.fromEntries(SERVICES.map((name) => [`etcdserverpb.${name}`, etcdMethods(name, CONVERSION)]));
}
