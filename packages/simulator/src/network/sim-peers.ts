import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import type {
  PeerAddress,
  PeerHandlers,
  PeerHello,
  PeerNetwork,
  PeerServer,
  PeerStream,
  ProbeResult,
  SessionReply,
  SessionRequest,
} from '@ottla/runtime';
import type { Life } from '../process/life';
import type { ProcessClock } from '../time/process-clock';
import type { Network } from './network';
import { type Frame, SimPeerStream } from './peer-stream';
import type { PipeEnd } from './pipe';

type Kind = 'replication' | 'session';

interface Opening {
  readonly kind: Kind;
  readonly hello: PeerHello;
}

type AnyStream = SimPeerStream<never, never>;

const CONNECT_TIMEOUT_MS = 5_000;
const MESSAGE_BYTES = 96;

/** The network between brokers, as one process on one machine has it. */
export class SimPeers implements PeerNetwork {
  private readonly streams = new Set<AnyStream>();

  constructor(
    private readonly network: Network,
    private readonly life: Life,
    private readonly host: string,
    private readonly clock: ProcessClock,
  ) {}

  openReplication(address: PeerAddress, hello: PeerHello): PeerStream<FollowerMessage, LeaderMessage> {
    return this.open<FollowerMessage, LeaderMessage>('replication', address, hello);
  }

  openSession(address: PeerAddress, hello: PeerHello): PeerStream<SessionRequest, SessionReply> {
    return this.open<SessionRequest, SessionReply>('session', address, hello);
  }

  async probe(address: PeerAddress, timeoutMs: number): Promise<ProbeResult> {
    const dialled = await this.network.dial(this.life, this.host, address, timeoutMs);
    if (dialled.outcome !== 'open') return dialled.outcome;
    dialled.end.reset();
    return 'open';
  }

  async serve(address: PeerAddress, handlers: PeerHandlers, self: PeerHello): Promise<PeerServer> {
    const accepted = new Set<AnyStream>();
    const listening = this.network.listen<Frame<never>, Frame<never>>(
      this.life,
      { host: this.host, port: address.port },
      (end, remote) => {
        end.handle({
          item: (frame) => {
            if (frame.type !== 'hello') return;
            const stream = this.accept(end, `${remote.host}:${remote.port}`, frame.hello as Opening, handlers, self);
            if (stream !== null) accepted.add(stream);
          },
          fin: () => end.reset(),
          reset: () => {},
        });
      },
    );
    return {
      port: listening.port,
      close: async () => {
        listening.close();
        for (const stream of accepted) stream.close();
      },
    };
  }

  async close(): Promise<void> {
    for (const stream of this.streams) stream.close();
    this.streams.clear();
  }

  private open<Send, Receive>(kind: Kind, address: PeerAddress, hello: PeerHello): SimPeerStream<Send, Receive> {
    const remote = `${address.host}:${address.port}`;
    const stream = new SimPeerStream<Send, Receive>({ remote, clock: this.clock, pack: pack<Send> });
    this.remember(stream as unknown as AnyStream);
    const deadline = this.clock.after(CONNECT_TIMEOUT_MS, () =>
      stream.fail(stream.broken(`did not answer within ${CONNECT_TIMEOUT_MS} ms`)),
    );
    stream.onAccepted(() => deadline.cancel());
    void this.dial(stream, kind, address, hello);
    return stream;
  }

  private async dial<Send, Receive>(
    stream: SimPeerStream<Send, Receive>,
    kind: Kind,
    address: PeerAddress,
    hello: PeerHello,
  ): Promise<void> {
    const dialled = await this.network.dial<Frame<Send>, Frame<Receive>>(
      this.life,
      this.host,
      address,
      CONNECT_TIMEOUT_MS,
    );
    if (dialled.outcome === 'open') stream.attach(dialled.end, { type: 'hello', hello: { kind, hello } });
    else stream.fail(stream.broken(dialled.outcome === 'refused' ? 'refused the connection' : 'did not answer'));
  }

  private accept(
    end: PipeEnd<Frame<never>, Frame<never>>,
    remote: string,
    { kind, hello }: Opening,
    handlers: PeerHandlers,
    self: PeerHello,
  ): AnyStream | null {
    const stream: AnyStream = new SimPeerStream<never, never>({ remote, clock: this.clock, pack: pack<never> });
    if (hello.clusterId !== self.clusterId) {
      stream.close(new OttlaError('INCONSISTENT_CLUSTER_ID', `broker ${hello.broker} belongs to another cluster`));
      return null;
    }
    this.remember(stream);
    if (kind === 'replication') handlers.onReplication(hello, stream as never);
    else handlers.onSession(hello, stream as never);
    stream.attach(end, { type: 'accepted' });
    return stream;
  }

  private remember(stream: AnyStream): void {
    if (this.streams.size > 64) for (const old of this.streams) if (old.isClosed) this.streams.delete(old);
    this.streams.add(stream);
  }
}

/** Records belong to the sender's log or to its cache: the other process gets bytes of its own. */
function pack<Send>(message: Send): { message: Send; bytes: number } {
  const { records } = message as { records?: Uint8Array };
  if (records === undefined) return { message, bytes: MESSAGE_BYTES };
  return { message: { ...message, records: records.slice() }, bytes: MESSAGE_BYTES + records.length };
}
