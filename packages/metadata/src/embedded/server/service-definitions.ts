import type { ServiceDefinition } from '@grpc/grpc-js';
import { etcdMethods } from '../../wire/etcd-protocol';

/** A decoded request with its size on the wire. */
export interface Received<T> {
  readonly message: T;
  readonly byteLength: number;
}

const CONVERSION = { longs: String, defaults: true, arrays: true, oneofs: true } as const;

/** A service of etcd's API for the server: handlers get `Received` messages and answer plain objects. */
export function etcdService(name: string): ServiceDefinition {
  const methods = etcdMethods(name, CONVERSION);
  return Object.fromEntries(
    Object.entries(methods).map(([method, definition]) => [
      method,
      {
        ...definition,
        requestDeserialize: (bytes: Buffer) => ({
          message: definition.requestDeserialize(bytes),
          byteLength: bytes.length,
        }),
      },
    ]),
  );
}
