import { OttlaError } from '@ottla/protocol';
import type { ProbeResult, TcpConnection, TcpHandlers, TcpListener, TcpNetwork } from '@ottla/runtime';
import type { Life } from '../process/life';
import type { Address, Network } from './network';
import type { PipeEnd } from './pipe';

/** What the kernel takes before a process's writes are buffered in the process. */
const KERNEL_BYTES = 128 * 1024;
/** As Node's sockets: over so much in the process, `write` answers false. */
const HIGH_WATER_BYTES = 16 * 1024;

type BytesEnd = PipeEnd<Uint8Array, Uint8Array>;

class SimConnection implements TcpConnection {
  private handlers: TcpHandlers | null = null;
  private ended = false;
  private endedByPeer = false;
  private closed = false;

  constructor(
    private readonly end_: BytesEnd,
    private readonly life: Life,
    private readonly later: (action: () => void) => void,
    private readonly local: Address,
    private readonly remote: Address,
  ) {}

  get remoteAddress(): string {
    return this.remote.host;
  }

  get remotePort(): number {
    return this.remote.port;
  }

  get localAddress(): string {
    return this.local.host;
  }

  get localPort(): number {
    return this.local.port;
  }

  get bufferedBytes(): number {
    return Math.max(0, this.end_.unacknowledgedBytes - KERNEL_BYTES);
  }

  handle(handlers: TcpHandlers): void {
    this.handlers = handlers;
    this.end_.handle({
      item: (bytes) => handlers.data(bytes),
      fin: () => this.onFin(),
      reset: (reason) => this.onClosed(new Error(reason)),
    });
  }

  write(chunks: readonly Uint8Array[], onSent?: () => void): boolean {
    if (this.closed || this.ended) return true;
    this.end_.send(joined(chunks), totalBytes(chunks));
    if (onSent !== undefined) this.end_.whenAcknowledged(KERNEL_BYTES, onSent);
    else if (this.bufferedBytes > 0) this.end_.whenAcknowledged(KERNEL_BYTES, () => this.handlers?.drain?.());
    return this.bufferedBytes <= HIGH_WATER_BYTES;
  }

  pause(): void {
    this.end_.setReading(false);
  }

  resume(): void {
    this.end_.setReading(true);
  }

  end(): void {
    if (this.ended || this.closed) return;
    this.ended = true;
    this.end_.fin();
    if (this.endedByPeer) this.closeLater(null);
  }

  destroy(error?: Error): void {
    if (this.closed) return;
    this.end_.reset();
    this.closeLater(error ?? null);
  }

  private onFin(): void {
    this.endedByPeer = true;
    if (this.ended) return this.closeLater(null);
    if (this.handlers?.end === undefined) this.end();
    else this.handlers.end();
  }

  private closeLater(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.end_.close();
    this.later(() => this.life.run(() => this.handlers?.close(error)));
  }

  private onClosed(error: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.handlers?.close(error);
  }
}

/** TCP as one process on one machine has it. */
export class SimTcp implements TcpNetwork {
  constructor(
    private readonly network: Network,
    private readonly life: Life,
    private readonly host: string,
  ) {}

  async listen(
    address: { host: string; port: number },
    onConnection: (connection: TcpConnection) => void,
  ): Promise<TcpListener> {
    const open = new Set<SimConnection>();
    const listening = this.network.listen<Uint8Array, Uint8Array>(
      this.life,
      { host: this.host, port: address.port },
      (end, remote, local) => {
        const connection = this.connection(end, local, remote);
        open.add(connection);
        onConnection(connection);
      },
    );
    return {
      port: listening.port,
      close: async () => {
        listening.close();
        for (const connection of open) connection.destroy();
      },
    };
  }

  async connect(host: string, port: number, timeoutMs: number): Promise<TcpConnection> {
    const dialled = await this.network.dial<Uint8Array, Uint8Array>(this.life, this.host, { host, port }, timeoutMs);
    if (dialled.outcome === 'open') return this.connection(dialled.end, dialled.local, { host, port });
    const why = dialled.outcome === 'refused' ? 'connection refused' : `no answer within ${timeoutMs} ms`;
    throw new OttlaError('NETWORK_EXCEPTION', `can't connect to ${host}:${port}: ${why}`);
  }

  async probe(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
    const dialled = await this.network.dial<Uint8Array, Uint8Array>(this.life, this.host, { host, port }, timeoutMs);
    if (dialled.outcome !== 'open') return dialled.outcome;
    dialled.end.reset();
    return 'open';
  }

  private connection(end: BytesEnd, local: Address, remote: Address): SimConnection {
    return new SimConnection(end, this.life, (action) => this.network.time.after(0, action), local, remote);
  }
}

function totalBytes(chunks: readonly Uint8Array[]): number {
  let sum = 0;
  for (const chunk of chunks) sum += chunk.length;
  return sum;
}

/** A copy: on the other side the bytes are another process's own. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(totalBytes(chunks));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
