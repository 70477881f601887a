import type { EventEmitter } from 'node:events';
import type { ServerHttp2Session, Settings } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { FLOW_CONTROL_WINDOW } from '../stream/channel';

/** What grpc-js's server holds and has no options for. */
interface Internals {
  commonServerOptions?: { settings?: Settings };
  http2Servers?: Map<EventEmitter, unknown>;
}

/**
 * Makes the HTTP/2 server that `create` adds to a grpc-js server receive with the flow-control window that its clients
 * receive with: grpc-js has the option for channels only, and with HTTP/2's 64 KiB receiving costs three times the CPU.
 * Where a release of grpc-js names its internals otherwise, the small window remains.
 */
export function widenWindow<T>(server: Server, create: () => T): T {
  const internals = server as unknown as Internals;
  if (internals.commonServerOptions !== undefined) {
    const { settings } = internals.commonServerOptions;
    internals.commonServerOptions.settings = { ...settings, initialWindowSize: FLOW_CONTROL_WINDOW };
  }
  const before = new Set(internals.http2Servers?.keys());
  const created = create();
  for (const http2Server of internals.http2Servers?.keys() ?? []) {
    if (before.has(http2Server)) continue;
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(FLOW_CONTROL_WINDOW));
  }
  return created;
}
