import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import type { Clock, Random } from '@ottla/runtime';
import { MAX_REQUEST_BYTES } from '../../store';
import type { DurableStore } from '../durable-store';
import { kvService } from './kv-service';
import { leaseService } from './lease-service';
import { clusterService, maintenanceService } from './member-services';
import { ServedStore } from './served-store';
import { etcdService, type Received } from './service-definitions';
import { toStatus } from './status';
import { type WatchCall, WatchSession } from './watch-session';

/** Room for what surrounds a request of the largest size, so that it's refused with etcd's message. */
const RECEIVE_OVERHEAD_BYTES = 512 * 1024;
const SHUTDOWN_TIMEOUT_MS = 500;
const KEEPALIVE_MS = 20_000;

export interface EtcdServer {
  readonly port: number;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the message types of different methods.
type Handlers = Readonly<Record<string, (received: Received<any>) => Promise<object>>>;

/** Serves a store as etcd's v3 gRPC API. */
export async function serveEtcd(
  store: DurableStore,
  options: { readonly host: string; readonly port: number; readonly clock: Clock; readonly random: Random },
): Promise<EtcdServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES + RECEIVE_OVERHEAD_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
  });
  const address = options.host.includes(':') ? `[${options.host}]` : options.host;
  let port = options.port;
  const served = new ServedStore(store, () => `http://${address}:${port}`);
  const sessions = new Set<WatchSession>();
  addServices(server, served, options.random, sessions);
  port = await bind(server, address, options.port);
  return { port, close: () => shutDown(server, sessions, options.clock) };
}

function addServices(server: Server, served: ServedStore, random: Random, sessions: Set<WatchSession>): void {
  const { LeaseKeepAlive, ...leases } = leaseService(served, random);
  server.addService(etcdService('KV'), unaryCalls(kvService(served)));
  server.addService(etcdService('Lease'), {
    ...unaryCalls(leases),
    LeaseKeepAlive: answerEach(LeaseKeepAlive),
  });
  server.addService(etcdService('Cluster'), unaryCalls(clusterService(served)));
  server.addService(etcdService('Maintenance'), unaryCalls(maintenanceService(served)));
  server.addService(etcdService('Watch'), {
    Watch: (call: WatchCall) => {
      sessions.add(new WatchSession(served, call, (session) => sessions.delete(session)));
    },
  });
}

function unaryCalls(handlers: Handlers): UntypedServiceImplementation {
  return Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, unaryCall(handler)]));
}

function unaryCall(handler: Handlers[string]): handleUnaryCall<Received<unknown>, object> {
  return async (call, callback) => {
    try {
      callback(null, await handler(call.request));
    } catch (error) {
      callback(toStatus(error));
    }
  };
}

/** A stream on which each message is answered by one, in order. */
function answerEach(handler: Handlers[string]) {
  return (call: ServerDuplexStream<Received<unknown>, object>): void => {
    let answered: Promise<void> = Promise.resolve();
    call.on('data', (received: Received<unknown>) => {
      call.pause();
      answered = Promise.resolve(received)
        .then(handler)
        .then(
          (answer) => {
            call.write(answer);
            call.resume();
          },
          (error) => {
            call.emit('error', toStatus(error));
          },
        );
    });
    call.on('end', () => answered.then(() => call.end()));
  };
}

function bind(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(bindError(address, port, error));
    });
  });
}

function bindError(address: string, port: number, error: Error): OttlaError {
  const reason = error.message.includes('EADDRINUSE')
    ? 'the port is in use; stop what listens there or choose another'
    : error.message;
  return new OttlaError('INVALID_CONFIG', `metadata store: can't listen on ${address}:${port}: ${reason}`, {
    cause: error,
  });
}

async function shutDown(server: Server, sessions: ReadonlySet<WatchSession>, clock: Clock): Promise<void> {
  for (const session of sessions) session.end();
  const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const patience = new AbortController();
  const waited = clock.sleep(SHUTDOWN_TIMEOUT_MS, patience.signal).catch(() => undefined);
  await Promise.race([finished, waited]);
  patience.abort();
  server.forceShutdown();
}
