import type { Socket } from 'node:net';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Clock, Logger } from '@ottla/runtime';

export type ServingState = 'serving' | 'not-serving';

export interface GrpcServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Largest message accepted or sent, in bytes. Default 128 MiB. */
  readonly maxMessageBytes?: number;
}

/** A gRPC server with the standard health service and server reflection. */
export interface GrpcServer {
  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  /** What `grpc.health.v1.Health` answers; the service '' is the server as a whole. */
  setHealth(service: string, state: ServingState): void;
  /** Port 0 takes any free port. Rejects with a sentence that says what to do when the address can't be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /**
   * Takes over a connection that another listener accepted, `firstBytes` being what was read from it. Nothing may
   * listen to the socket any more.
   */
  takeConnection(socket: Socket, firstBytes: Uint8Array): void;
  /** Tells clients to go away, waits `graceMs` (default 0) for calls to end, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

export function createGrpcServer(_options: GrpcServerOptions): GrpcServer {
  throw new Error('not yet');
}
