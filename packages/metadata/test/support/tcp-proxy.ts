import { connect, createServer, type Server, type Socket } from 'node:net';

type Mode = 'pass' | 'refuse' | 'stall' | 'lose-answers';

/** Stands between a client and a server, and breaks what they have when told to. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  #target: string;
  #mode: Mode = 'pass';
  #cutAfterBytes = Number.POSITIVE_INFINITY;
  #accepted = 0;
  #onAccepted: (() => void) | null = null;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return `127.0.0.1:${address.port}`;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  nextConnection(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAccepted = resolve;
    });
  }

  /** Resets every connection. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Resets the first connection that has carried so many bytes from the server. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  /** - `refuse`: resets each new connection; - `stall`: carries nothing; - `lose-answers`: nothing back. */
  setMode(mode: Mode): void {
    this.#mode = mode;
    for (const [client, upstream] of this.#pairs) {
      if (mode === 'stall') client.pause();
      else client.resume();
      if (mode === 'stall') upstream.pause();
      else upstream.resume();
    }
  }

  /** Connects to another server from now on. */
  redirect(target: string): void {
    this.#target = target;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    this.#accepted++;
    this.#onAccepted?.();
    const [host, port] = this.#target.split(':');
    const upstream = connect(Number(port), host);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    let carried = 0;
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (this.#mode === 'lose-answers') return;
      carried += chunk.length;
      client.write(chunk);
      if (carried >= this.#cutAfterBytes) {
        this.#cutAfterBytes = Number.POSITIVE_INFINITY;
        end();
      }
    });
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) {
      socket.on('close', end).on('error', end);
      if (this.#mode === 'stall') socket.pause();
    }
  }
}
