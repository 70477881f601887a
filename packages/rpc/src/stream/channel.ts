import type { Client, ClientOptions, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { grpc } from './grpc';

/** Largest gRPC message, either way, unless told otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/**
 * How far the sender of a stream may run ahead of its receiver. The 64 KiB that HTTP/2 begins with cost three times the
 * CPU, and a network's round trip for each.
 */
export const FLOW_CONTROL_WINDOW = 4 * 1024 * 1024;

export interface KeepAlive {
  /** How long nothing needs to come before the other side is asked for a sign of life. */
  readonly afterMs: number;
  /** How long it has to answer. */
  readonly timeoutMs: number;
}

export interface ChannelSettings {
  readonly maxMessageBytes: number;
  readonly keepAlive: KeepAlive;
}

/** A connection of its own to an address: channels made here share none. */
export function openChannel(address: string, settings: ChannelSettings): Client {
  const { Client, credentials } = grpc();
  return new Client(address, credentials.createInsecure(), channelOptions(settings));
}

function channelOptions({ maxMessageBytes, keepAlive }: ChannelSettings): ClientOptions {
  return {
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': keepAlive.afterMs,
    'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
    'grpc.use_local_subchannel_pool': 1,
    // Who retries here knows what it asked for; grpc-js would keep copies of messages to send them again.
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
  };
}

/** host:port, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function methodOf<Request, Response>(
  service: ServiceDefinition,
  name: string,
): MethodDefinition<Request, Response> {
  const method = service[name];
  if (method === undefined) throw new Error(`the service has no method ${name}`);
  return method;
}
