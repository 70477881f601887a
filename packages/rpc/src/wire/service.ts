import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Codecs } from './codec';

interface Method {
  readonly requestType: string;
  readonly responseType: string;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

interface Namespace {
  readonly nested?: Readonly<Record<string, Namespace>>;
  readonly methods?: Readonly<Record<string, Method>>;
}

// biome-ignore lint/suspicious/noExplicitAny: grpc-js types services by the messages that callers know
export type AnyMethod = MethodDefinition<any, any>;

/**
 * The grpc-js definition of a service named in full, such as `ottla.v1.Broker`. Message types are taken from the
 * service's own package.
 */
export function serviceDefinition(descriptor: unknown, codecs: Codecs, service: string): ServiceDefinition {
  const packageName = service.slice(0, service.lastIndexOf('.'));
  const methods = find(descriptor as Namespace, service).methods ?? {};
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      methodDefinition(codecs, packageName, service, name, method),
    ]),
  );
}

function methodDefinition(
  codecs: Codecs,
  packageName: string,
  service: string,
  name: string,
  method: Method,
): AnyMethod {
  const request = codecs.of(`${packageName}.${method.requestType}`);
  const response = codecs.of(`${packageName}.${method.responseType}`);
  return {
    path: `/${service}/${name}`,
    originalName: name,
    requestStream: method.requestStream ?? false,
    responseStream: method.responseStream ?? false,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}

function find(descriptor: Namespace, name: string): Namespace {
  let found: Namespace | undefined = descriptor;
  for (const part of name.split('.')) found = found?.nested?.[part];
  if (found === undefined) throw new Error(`${name} is not in the descriptor`);
  return found;
}

/** What services are added to. */
export interface ServiceHost {
  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  /** Calls back when the host begins to close: what streams for as long as it lives ends now. */
  onClosing(callback: () => void): void;
}
