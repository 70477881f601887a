import type { AnyApi, InputOf, MessageOf, OttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../services';

/** The connection that a request came by, as much of it as an answer depends on. */
export interface Connection {
  /** Name of the listener, such as PLAINTEXT: a client is given addresses of the same listener. */
  readonly listener: string;
  /** The client's IP address. */
  readonly clientHost: string;
  /** The address of this machine that the client connected to. */
  readonly localAddress: string;
  /**
   * Calls back when no answer will be waited for any longer: the client has gone, or the broker is shutting down. Then a
   * long poll should answer at once. The returned function ends it.
   */
  onEnding(callback: () => void): () => void;
}

export interface HandlerRequest<Body> {
  readonly header: { readonly apiVersion: number; readonly correlationId: number; readonly clientId: string | null };
  readonly body: Body;
  readonly connection: Connection;
}

/**
 * How one API is served, in every version that it declares. Requests of a connection are started in the order in which
 * they came, so what must happen in that order happens before the first `await`.
 */
interface HandlerFunctions<A extends AnyApi> {
  /** Null when the client expects no response. Throws only what concerns the request as a whole. */
  handle(
    request: HandlerRequest<MessageOf<A['request']>>,
    services: BrokerServices,
  ): Promise<InputOf<A['response']> | null> | InputOf<A['response']>;
  /** The response to a request that failed as a whole; null when there can be none, and the connection is closed. */
  failure(request: HandlerRequest<MessageOf<A['request']>>, error: OttlaError): InputOf<A['response']> | null;
}

/** What serves one API, whichever it is: request and response bodies are those of `api`. */
export interface Handler {
  readonly api: AnyApi;
  handle(request: HandlerRequest<unknown>, services: BrokerServices): unknown;
  failure(request: HandlerRequest<unknown>, error: OttlaError): unknown;
}

/** Declares a handler; its types follow from the API. */
export function defineHandler<A extends AnyApi>(api: A, functions: HandlerFunctions<A>): Handler {
  return { api, ...functions } as unknown as Handler;
}
