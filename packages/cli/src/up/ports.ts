import { createServer } from 'node:net';
import { CommandError } from '../command-error';

const HIGHEST_PORT = 65535;

/** Ports that this start gives out, each once. Whether one is free is tried by binding it for a moment. */
export class Ports {
  private readonly taken = new Set<number>();

  /** A port that clients know, so it can't be another: refused when it is in use. */
  async claim(host: string, port: number, whose: string): Promise<number> {
    if (port > HIGHEST_PORT) throw new CommandError(`${whose} would get port ${port}: choose a lower --port`);
    const error = this.taken.has(port) ? 'EADDRINUSE' : await bindError(host, port);
    if (error !== null) throw new CommandError(`${whose} can't listen on ${host}:${port}: ${explain(error)}`);
    this.taken.add(port);
    return port;
  }

  /** The first of the candidates that is free, else any that is. */
  async pick(host: string, ...candidates: readonly (number | undefined)[]): Promise<number> {
    for (const port of candidates) {
      if (port === undefined || port < 1 || port > HIGHEST_PORT || this.taken.has(port)) continue;
      if ((await bindError(host, port)) !== null) continue;
      this.taken.add(port);
      return port;
    }
    for (;;) {
      const port = await freePort(host);
      if (this.taken.has(port)) continue;
      this.taken.add(port);
      return port;
    }
  }
}

function explain(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use; stop what listens there, or choose other ports with --port';
    case 'EACCES':
      return 'this user may not use the port; choose one above 1023 with --port';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address; choose another with --host';
    default:
      return code;
  }
}

/** The error code of binding the port, null when it can be had. */
function bindError(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new CommandError(`no port can be had on ${host}: ${explain(error.code ?? error.message)}`)),
    );
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
