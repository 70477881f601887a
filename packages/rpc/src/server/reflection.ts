import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ServerReflectionRequest, ServerReflectionResponse } from '../generated/reflection';
import { reflectionDescriptor } from '../generated/reflection-descriptor';
import { Codecs } from '../wire/codec';
import type { ServiceHost } from '../wire/service';
import { serviceDefinition } from '../wire/service';

type ReflectionCall = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

interface DescribedFile {
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly symbols: readonly string[];
  readonly descriptor: string;
}

const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const codecs = new Codecs(reflectionDescriptor);

/** Adds server reflection in both of its versions, which have the same messages. */
export function addReflection(server: ServiceHost, services: () => readonly string[]): void {
  for (const version of ['v1', 'v1alpha']) {
    const name = `grpc.reflection.${version}.ServerReflection`;
    server.addService(serviceDefinition(reflectionDescriptor, codecs, name), {
      ServerReflectionInfo: (call: ReflectionCall) => {
        call.on('data', (request: ServerReflectionRequest) => call.write(answer(request, services())));
        call.on('end', () => call.end());
      },
    });
  }
}

function answer(request: ServerReflectionRequest, services: readonly string[]): ServerReflectionResponse {
  const response = { validHost: request.host, originalRequest: request };
  const { fileByFilename, fileContainingSymbol } = request;
  // A member of a oneof that wasn't sent reads as its type's zero: only the sent one is the message's own.
  if (Object.hasOwn(request, 'listServices')) {
    return { ...response, listServicesResponse: { service: services.map((name) => ({ name })) } };
  }
  if (Object.hasOwn(request, 'fileByFilename')) {
    const found = describedFiles().find((file) => file.name === fileByFilename);
    return { ...response, ...filesOrError(found, `there is no file ${fileByFilename}`) };
  }
  if (Object.hasOwn(request, 'fileContainingSymbol')) {
    const found = describedFiles().find((file) => file.symbols.includes(fileContainingSymbol ?? ''));
    return { ...response, ...filesOrError(found, `there is no symbol ${fileContainingSymbol}`) };
  }
  return { ...response, ...error(UNIMPLEMENTED, 'the services have no extensions') };
}

function filesOrError(file: DescribedFile | undefined, message: string): Partial<ServerReflectionResponse> {
  if (file === undefined) return error(NOT_FOUND, message);
  const files = [file, ...dependenciesOf(file)];
  const fileDescriptorProto = files.map(({ descriptor }) => Buffer.from(descriptor, 'base64'));
  return { fileDescriptorResponse: { fileDescriptorProto } };
}

function dependenciesOf(file: DescribedFile): DescribedFile[] {
  const found = file.dependencies.flatMap((name) => describedFiles().filter((other) => other.name === name));
  return found.flatMap((dependency) => [dependency, ...dependenciesOf(dependency)]);
}

function error(errorCode: number, errorMessage: string): Partial<ServerReflectionResponse> {
  return { errorResponse: { errorCode, errorMessage } };
}

/** Loaded when the first client reflects. */
function describedFiles(): readonly DescribedFile[] {
  return (require('../generated/file-descriptors') as typeof import('../generated/file-descriptors')).fileDescriptors;
}
