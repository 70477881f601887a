import { OttlaError } from '@ottla/protocol';
import type { DoorClient, door, FetchStream } from '@ottla/rpc';

export interface Subscriber {
  onResult(result: door.FetchResult): void;
  /** The stream broke; the subscription has to be made anew. */
  onBroken(error: OttlaError): void;
}

/** The fetch stream to one broker; opened when needed, again after it broke. */
export class FetchLink {
  readonly #connect: () => DoorClient;
  readonly #subscribers = new Map<number, Subscriber>();
  #stream: FetchStream | null = null;
  #nextId = 1;

  constructor(connect: () => DoorClient) {
    this.#connect = connect;
  }

  /** The subscription's number. */
  subscribe(request: Omit<door.FetchSubscribe, 'subscription'>, subscriber: Subscriber): number {
    const stream = this.#open();
    const subscription = this.#nextId++;
    this.#subscribers.set(subscription, subscriber);
    stream.send({ subscribe: [{ ...request, subscription }], credit: [], unsubscribe: [] });
    return subscription;
  }

  credit(subscription: number, bytes: number): void {
    if (!this.#subscribers.has(subscription)) return;
    this.#stream?.send({ subscribe: [], credit: [{ subscription, bytes }], unsubscribe: [] });
  }

  unsubscribe(subscription: number): void {
    if (!this.#subscribers.delete(subscription)) return;
    this.#stream?.send({ subscribe: [], credit: [], unsubscribe: [subscription] });
  }

  close(): void {
    // Without it the broker would send what the credit allows before it ends the stream.
    this.#stream?.send({ subscribe: [], credit: [], unsubscribe: [...this.#subscribers.keys()] });
    this.#subscribers.clear();
    this.#stream?.close();
    this.#stream = null;
  }

  #open(): FetchStream {
    if (this.#stream !== null) return this.#stream;
    const stream = this.#connect().fetch();
    this.#stream = stream;
    stream.onMessage((result) => this.#onResult(result));
    stream.onClose((error) => this.#onClose(stream, error));
    return stream;
  }

  #onResult(result: door.FetchResult): void {
    const subscriber = this.#subscribers.get(result.subscription);
    // An error ends the subscription on the broker.
    if (result.errorCode !== 0) this.#subscribers.delete(result.subscription);
    subscriber?.onResult(result);
  }

  #onClose(stream: FetchStream, reason: OttlaError | null): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    const error = reason ?? new OttlaError('NETWORK_EXCEPTION', `${stream.remote} closed the stream`);
    const subscribers = [...this.#subscribers.values()];
    this.#subscribers.clear();
    for (const subscriber of subscribers) subscriber.onBroken(error);
  }
}
