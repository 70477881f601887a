import type { IOptions, IWatchRequest, IWatchResponse, KVClient, LeaseClient } from 'etcd3';
import { type KeepAliveStream, KeepAlives } from './keep-alives';
import { requireLeader } from './require-leader';

/** A watch stream of gRPC. */
export interface EtcdWatchStream {
  write(request: IWatchRequest): void;
  on(event: 'data', listener: (response: IWatchResponse) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** One etcd member: unary calls and streams on connections of their own, so that a failure of one spares the other. */
export interface EtcdConnection {
  readonly endpoint: string;
  readonly kv: Pick<KVClient, 'range' | 'txn'>;
  readonly leases: Pick<LeaseClient, 'leaseGrant' | 'leaseRevoke'>;
  readonly keepAlives: KeepAlives;
  openWatch(): Promise<EtcdWatchStream>;
  close(): void;
}

/** Largest answer taken, in bytes; pages of a snapshot and fragments of a watch are far below. */
const RECEIVE_MAX_BYTES = 64 * 1024 * 1024;

const CHANNEL_OPTIONS = {
  // etcd drops clients that ping more often than every 5 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': RECEIVE_MAX_BYTES,
  // The store is part of the cluster: a proxy meant for the web is not on the way.
  'grpc.enable_http_proxy': 0,
};

/** Carries a call out once: retrying is decided by what is asked, see calls.ts. */
const onceOnly = {
  execute: async (run: (context: object) => unknown) => run({}),
};

export function connectEtcd(endpoint: string): EtcdConnection {
  // Loaded here: it takes a while, and brokers with a store of their own kind never need it.
  const { Etcd3: Client } = require('etcd3') as typeof import('etcd3');
  const options = {
    hosts: endpoint,
    grpcOptions: CHANNEL_OPTIONS,
    faultHandling: { host: () => onceOnly, global: onceOnly },
  } as unknown as IOptions;
  const calls = new Client(options);
  const streamOptions = { ...CHANNEL_OPTIONS, 'grpc.use_local_subchannel_pool': 1 };
  const streams = new Client({ ...options, grpcOptions: streamOptions });
  const keepAlives = new KeepAlives(
    async () => (await streams.leaseClient.leaseKeepAlive(requireLeader)) as KeepAliveStream,
  );
  return {
    endpoint,
    kv: calls.kv,
    leases: calls.leaseClient,
    keepAlives,
    openWatch: async () => (await streams.watchClient.watch(requireLeader)) as unknown as EtcdWatchStream,
    close: () => {
      keepAlives.reset(new Error('1 CANCELLED: closed'));
      calls.close();
      streams.close();
    },
  };
}
