import { type EtcdConnection, type EtcdWatchStream, type KeepAliveStream, KeepAlives } from '@ottla/metadata';
import type { Clock } from '@ottla/runtime';
import { Channel, type ChannelOptions, type Receiver, STILL_CONNECTING } from './channel';
import type { WatchMessage } from './messages';
import type { Calls, FromMember } from './protocol';

/** A member as production's etcd client has it, over the simulated network: gRPC is what isn't there. */
export function memberConnection(endpoint: string, options: ChannelOptions): EtcdConnection {
  const calls = new Channel(options);
  const streams = new Channel(options);
  const unary =
    <M extends keyof Calls>(method: M) =>
    (request: unknown, call?: { deadline?: number | Date }): Promise<never> =>
      callOnce(calls, options.clock, method, request, Number(call?.deadline)) as Promise<never>;
  const keepAlives = new KeepAlives(
    async () => (await openStream(streams, 'keep-alive')) as unknown as KeepAliveStream,
  );
  return {
    endpoint,
    kv: { range: unary('range'), txn: unary('txn') },
    leases: { leaseGrant: unary('leaseGrant'), leaseRevoke: unary('leaseRevoke') },
    keepAlives,
    openWatch: async () => (await openStream(streams, 'watch')) as unknown as EtcdWatchStream,
    close: () => {
      keepAlives.reset(new Error('1 CANCELLED: closed'));
      calls.close();
      streams.close();
    },
  };
}

function callOnce(
  channel: Channel,
  clock: Clock,
  method: keyof Calls,
  request: unknown,
  deadline: number,
): Promise<object> {
  return new Promise((resolve, reject) => {
    let over = false;
    let sent: number | null = null;
    const finish = (settle: () => void): void => {
      if (over) return;
      over = true;
      timer.cancel();
      if (sent !== null) channel.forget(sent);
      settle();
    };
    const fail = (message: string): void => finish(() => reject(new Error(message)));
    const timer = clock.after(Math.max(0, deadline - clock.wall()), () =>
      fail(sent === null ? STILL_CONNECTING : '4 DEADLINE_EXCEEDED: Deadline exceeded'),
    );
    const receiver: Receiver = {
      receive: (packet) => {
        if (packet.type === 'answer') finish(() => resolve(packet.value));
        else if (packet.type === 'refusal') fail(packet.message);
      },
      broken: fail,
    };
    channel
      .begin(
        receiver,
        (id) => ({ type: 'call', id, method, request }),
        () => over,
      )
      .then(
        (id) => {
          sent = id;
        },
        (error: Error) => fail(error.message),
      );
  });
}

async function openStream(channel: Channel, kind: 'watch' | 'keep-alive'): Promise<SimStream> {
  const stream = new SimStream(channel);
  stream.id = await channel.begin(
    stream,
    (id) => ({ type: 'open', id, kind }),
    () => false,
  );
  return stream;
}

type Listener = (argument: never) => void;

/** A gRPC stream as etcd's client library gives one: an emitter that can be paused. */
class SimStream implements Receiver {
  id = 0;
  private readonly listeners = new Map<string, Listener[]>();
  private readonly held: object[] = [];
  private paused = false;
  private over = false;

  constructor(private readonly channel: Channel) {}

  on(event: string, listener: Listener): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  write(message: WatchMessage | { readonly ID: string }): void {
    if (!this.over) this.channel.send({ type: 'write', id: this.id, message });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && this.held.length > 0) this.emit('data', this.held.shift());
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.channel.forget(this.id);
    this.channel.send({ type: 'cancel', id: this.id });
  }

  receive(packet: FromMember): void {
    if (this.over || packet.type !== 'data') return;
    if (this.paused) this.held.push(packet.message);
    else this.emit('data', packet.message);
  }

  broken(message: string): void {
    if (this.over) return;
    this.over = true;
    this.emit('error', new Error(message));
  }

  private emit(event: string, argument: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) listener(argument as never);
  }
}
