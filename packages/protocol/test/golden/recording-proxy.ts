import { connect, createServer, type Server, type Socket } from 'node:net';

/** A request and the response to it, as they went over the wire, without their length prefixes. */
export interface Exchange {
  readonly client: string;
  readonly request: Buffer;
  /** Null when none came: a produce with acks=0, or a connection closed first. */
  response: Buffer | null;
}

/** Sits between clients and a broker that advertises the proxy's address, and keeps every frame of both directions. */
export class RecordingProxy {
  /** What the exchanges from now on are labelled with. */
  client = '';
  readonly exchanges: Exchange[] = [];
  private readonly server: Server;

  constructor(private readonly upstream: { host: string; port: number }) {
    this.server = createServer((socket) => this.onConnection(socket));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  close(): void {
    this.server.close();
  }

  private onConnection(downstream: Socket): void {
    const upstream = connect(this.upstream.port, this.upstream.host);
    const open = new Map<number, Exchange>();
    const onRequest = splitFrames((request) => {
      const exchange: Exchange = { client: this.client, request, response: null };
      open.set(request.readInt32BE(4), exchange);
      this.exchanges.push(exchange);
    });
    const onResponse = splitFrames((response) => {
      const exchange = open.get(response.readInt32BE(0));
      if (exchange !== undefined) exchange.response = response;
    });
    downstream.on('data', (data: Buffer) => {
      onRequest(data);
      upstream.write(data);
    });
    upstream.on('data', (data: Buffer) => {
      onResponse(data);
      downstream.write(data);
    });
    for (const [one, other] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }
}

function splitFrames(onFrame: (frame: Buffer) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      onFrame(Buffer.from(rest.subarray(4, end)));
      rest = rest.subarray(end);
    }
  };
}
