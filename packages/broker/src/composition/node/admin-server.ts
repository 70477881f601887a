import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { OttlaError } from '@ottla/protocol';
import type { AdminServer, AdminStatus } from '../ports';

/** `/healthz`: 200 while the broker serves, 503 before and after. `/metrics`: the process's own figures. */
export function startAdminServer(address: { host: string; port: number }, status: AdminStatus): Promise<AdminServer> {
  const server = createServer((request, response) => answer(request, response, status));
  server.requestTimeout = 10_000;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
    server.listen(address.port, address.host === '' ? undefined : address.host, () => resolve(running(server)));
  });
}

function running(server: Server): AdminServer {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the admin server has no port');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, status: AdminStatus): void {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET is answered here\n');
  if (path === '/healthz') return status.healthy() ? send(response, 200, 'ok\n') : send(response, 503, 'not serving\n');
  if (path === '/metrics') return send(response, 200, metrics());
  return send(response, 404, 'not found; there are /healthz and /metrics\n');
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}

/** Prometheus's text format. */
function metrics(): string {
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${rss}`,
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    '',
  ].join('\n');
}

function listenError(address: { host: string; port: number }, error: NodeJS.ErrnoException): OttlaError {
  const where = `${address.host === '' ? '*' : address.host}:${address.port}`;
  const why = error.code === 'EADDRINUSE' ? 'the port is in use; set admin.listen to another' : error.message;
  return new OttlaError('INVALID_CONFIG', `admin address ${where}: ${why}`, { cause: error });
}
