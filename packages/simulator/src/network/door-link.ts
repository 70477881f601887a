import { OttlaError } from '@ottla/protocol';
import type { DoorCall, DoorHandlers } from '@ottla/rpc';
import type { Life } from '../process/life';
import type { DoorLink, DoorMethods } from '../run/workload-world';
import type { Address, Network } from './network';

type Method = keyof DoorMethods;

/** A broker's door, while it is open. */
export interface OpenDoor {
  readonly handlers: DoorHandlers;
  readonly life: Life;
}

export interface DoorLinkOptions {
  readonly network: Network;
  readonly client: string;
  readonly life: Life;
  readonly address: Address;
  /** The door as it is when a request arrives; null while nobody serves there. */
  door(): OpenDoor | null;
}

/**
 * Calls a broker's door handlers, each request and each answer a packet of its own: one that meets a cut is lost. gRPC
 * itself isn't modelled, nor are its streams: an entry of a produce stream is a call.
 */
export function doorLink(options: DoorLinkOptions): DoorLink {
  return {
    call: (method, request, timeoutMs) =>
      new Promise((resolve, reject) => {
        const call = new OneCall(options, (settle) => options.life.run(settle));
        call.start(method, request, timeoutMs, resolve as (answer: unknown) => void, reject);
      }),
  };
}

class OneCall {
  private over = false;
  private readonly cancelled = new AbortController();

  constructor(
    private readonly options: DoorLinkOptions,
    private readonly enter: (settle: () => void) => void,
  ) {}

  start(
    method: Method,
    request: unknown,
    timeoutMs: number,
    resolve: (answer: unknown) => void,
    reject: (error: Error) => void,
  ): void {
    const { network, client, address } = this.options;
    const settle = (action: () => void): void => {
      if (this.over) return;
      this.over = true;
      timer.cancel();
      this.enter(action);
    };
    const fail = (code: 'REQUEST_TIMED_OUT' | 'NETWORK_EXCEPTION', why: string): void =>
      settle(() => reject(new OttlaError(code, `${address.host}:${address.port}: ${why}`)));
    const timer = network.time.after(timeoutMs, () => {
      this.cancelled.abort();
      fail('REQUEST_TIMED_OUT', `no answer within ${timeoutMs} ms`);
    });
    const answer = (action: () => void): void => this.send(address.host, client, () => settle(action));
    this.send(client, address.host, () => {
      const door = this.options.door();
      if (door === null) {
        return this.send(address.host, client, () => fail('NETWORK_EXCEPTION', 'connection refused'));
      }
      door.life.onEnd((how) => {
        if (how === 'process') this.send(address.host, client, () => fail('NETWORK_EXCEPTION', 'connection reset'));
      });
      door.life.run(() => {
        this.handle(door.handlers, method, request).then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        );
      });
    });
  }

  private async handle(handlers: DoorHandlers, method: Method, request: unknown): Promise<unknown> {
    const { client, address } = this.options;
    const call: DoorCall = { remote: `${client}:1`, local: address, signal: this.cancelled.signal };
    const handler = handlers[method].bind(handlers) as (request: unknown, call: DoorCall) => Promise<unknown>;
    return handler(request, call);
  }

  private send(from: string, to: string, arrive: () => void): void {
    const { network } = this.options;
    const link = network.link(from, to);
    if (!network.passable(link)) return;
    network.time.after(link.latency(), () => {
      if (network.passable(link)) arrive();
    });
  }
}
