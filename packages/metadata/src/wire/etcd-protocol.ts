import type { MethodDefinition } from '@grpc/grpc-js';
import { type IConversionOptions, type INamespace, Root, type Service, type Type } from 'protobufjs/light';
import { etcdDescriptor } from './generated/etcd';

const PACKAGE = 'etcdserverpb';

export type MethodDefinitions = Record<string, MethodDefinition<object, object>>;

let loaded: Root | null = null;

function etcdRoot(): Root {
  loaded ??= Root.fromJSON(etcdDescriptor as INamespace);
  return loaded;
}

/**
 * A service of etcd's API as grpc-js takes it, for servers and clients. Messages are plain objects with etcd's field
 * names; the conversion says what is decoded into what.
 */
export function etcdMethods(name: string, conversion: IConversionOptions): MethodDefinitions {
  const service = etcdRoot().lookup(`${PACKAGE}.${name}`) as Service;
  return Object.fromEntries(
    service.methodsArray.map((method) => {
      method.resolve();
      const request = method.resolvedRequestType!;
      const response = method.resolvedResponseType!;
      const definition: MethodDefinition<object, object> = {
        path: `/${PACKAGE}.${name}/${method.name}`,
        originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
        requestStream: method.requestStream === true,
        responseStream: method.responseStream === true,
        requestSerialize: (message) => encode(request, message),
        requestDeserialize: (bytes) => decode(request, bytes, conversion),
        responseSerialize: (message) => encode(response, message),
        responseDeserialize: (bytes) => decode(response, bytes, conversion),
      };
      return [method.name, definition];
    }),
  );
}

function encode(type: Type, message: object): Buffer {
  const bytes = type.encode(type.fromObject(message)).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decode(type: Type, bytes: Buffer, conversion: IConversionOptions): object {
  return type.toObject(type.decode(bytes), conversion);
}
