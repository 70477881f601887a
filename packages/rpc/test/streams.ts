import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { FollowerMessage, LeaderMessage, PushMessage } from '@ottla/replication';
import { nodeClock, type PeerHello, type PeerStream, silentLogger } from '@ottla/runtime';
import { NodePeerNetwork, type NodePeerNetworkOptions } from '../src';

export const HOST = '127.0.0.1';
export const TOPIC_ID = '0f4a1c9e-7a3c-4d53-9a55-0d7a5a1c2e11';

export const hello = (broker: number, clusterId = 'c1'): PeerHello => ({ clusterId, broker, run: `run-${broker}` });

export function peerNetwork(options: Partial<NodePeerNetworkOptions> = {}): NodePeerNetwork {
  return new NodePeerNetwork({ clock: nodeClock, logger: silentLogger, ...options });
}

export function pushOf(records: Uint8Array, baseOffset = 0): PushMessage {
  return {
    type: 'push',
    topicId: TOPIC_ID,
    partition: 3,
    leaderEpoch: 5,
    subscription: 7,
    highWatermark: 1,
    logStart: 0,
    baseOffset,
    records,
  };
}

/** What a stream delivered, and promises for what it will. */
export class Recorder<Receive> {
  readonly messages: Receive[] = [];
  readonly closed: Promise<Error | null>;
  drains = 0;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(stream: Pick<PeerStream<never, Receive>, 'onMessage' | 'onDrain' | 'onClose'>) {
    stream.onMessage((message) => {
      this.messages.push(message);
      for (const { count, resolve } of this.#waiting) if (this.messages.length >= count) resolve();
    });
    stream.onDrain(() => {
      this.drains += 1;
    });
    this.closed = new Promise((resolve) => stream.onClose(resolve));
  }

  async received(count: number): Promise<Receive[]> {
    if (this.messages.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    return this.messages;
  }
}

export interface Pair {
  /** The follower's end. */
  readonly client: PeerStream<FollowerMessage, LeaderMessage>;
  /** The leader's end. */
  readonly server: PeerStream<LeaderMessage, FollowerMessage>;
  readonly opened: PeerHello;
}

/** A replication stream over a real connection, both ends in this process. */
export async function openPair(network: NodePeerNetwork): Promise<Pair> {
  let onOpened: (opened: { hello: PeerHello; server: Pair['server'] }) => void;
  const opened = new Promise<{ hello: PeerHello; server: Pair['server'] }>((resolve) => {
    onOpened = resolve;
  });
  const { port } = await network.serve(
    { host: HOST, port: 0 },
    { onReplication: (from, server) => onOpened({ hello: from, server }), onSession: () => {} },
    hello(1),
  );
  const client = network.openReplication({ host: HOST, port }, hello(2));
  const { hello: from, server } = await opened;
  return { client, server, opened: from };
}

/** Accepts connections and says nothing. */
export async function silentServer(): Promise<{ port: number; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, HOST);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A process that accepts replication streams and answers each gRPC message with an empty one, until it is killed. */
export async function leaderProcess(): Promise<{ port: number; kill(): void }> {
  const script = `
    const { Server, ServerCredentials } = require('@grpc/grpc-js');
    const bytes = (message) => message;
    const Replicate = {
      path: '/ottla.peer.v1.Replication/Replicate',
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const server = new Server();
    // A LeaderMessages with one message that has an empty push.
    server.addService({ Replicate }, { Replicate: (call) => call.on('data', () => call.write(Buffer.from([0x0a, 2, 0x0a, 0]))) });
    server.bindAsync('${HOST}:0', ServerCredentials.createInsecure(), (_error, port) => console.log(port));
  `;
  const child = spawn(process.execPath, ['-e', script], { cwd: __dirname, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()), kill: () => void child.kill('SIGKILL') };
}

/** A process that opens a session to a port, sends one empty gRPC message and waits, until it is killed. */
export function memberProcess(port: number): { kill(): void } {
  const script = `
    const { credentials, makeGenericClientConstructor, Metadata } = require('@grpc/grpc-js');
    const bytes = (message) => message;
    const Attend = {
      path: '/ottla.peer.v1.Session/Attend',
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const client = new (makeGenericClientConstructor({ Attend }, 'Session'))('${HOST}:${port}', credentials.createInsecure());
    const metadata = new Metadata();
    const { clusterId, broker, run } = ${JSON.stringify(hello(2))};
    metadata.set('ottla-cluster-id', clusterId);
    metadata.set('ottla-broker-id', String(broker));
    metadata.set('ottla-run', run);
    metadata.set('ottla-peer-version', '1');
    client.Attend(metadata).on('error', () => {}).on('data', () => {}).write(Buffer.alloc(0));
  `;
  const child = spawn(process.execPath, ['-e', script], { cwd: __dirname, stdio: ['ignore', 'ignore', 'inherit'] });
  return { kill: () => void child.kill('SIGKILL') };
}
