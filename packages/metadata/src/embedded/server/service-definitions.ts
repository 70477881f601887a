import type { ServiceDefinition } from '@grpc/grpc-js';
import { type INamespace, Root, type Service, type Type } from 'protobufjs/light';
import { etcdDescriptor } from '../../generated/etcd';

/** A decoded request with its size on the wire. */
export interface Received<T> {
  readonly message: T;
  readonly byteLength: number;
}

const PACKAGE = 'etcdserverpb';

/** A service of etcd's API for grpc-js's server. Handlers get `Received` messages and answer plain objects. */
export function etcdService(root: Root, name: string): ServiceDefinition {
  const service = root.lookup(`${PACKAGE}.${name}`) as Service;
  const definition: Record<string, ServiceDefinition[string]> = {};
  for (const method of service.methodsArray) {
    method.resolve();
    const request = method.resolvedRequestType!;
    const response = method.resolvedResponseType!;
    definition[method.name] = {
      path: `/${PACKAGE}.${name}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestSerialize: (message: object) => encode(request, message),
      requestDeserialize: (bytes: Buffer) => ({ message: decode(request, bytes), byteLength: bytes.length }),
      responseSerialize: (message: object) => encode(response, message),
      responseDeserialize: (bytes: Buffer) => decode(response, bytes),
    };
  }
  return definition;
}

export function etcdRoot(): Root {
  return Root.fromJSON(etcdDescriptor as INamespace);
}

function encode(type: Type, message: object): Buffer {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decode(type: Type, bytes: Buffer): object {
  return type.toObject(type.decode(bytes), { longs: String, defaults: true, arrays: true, oneofs: true });
}
