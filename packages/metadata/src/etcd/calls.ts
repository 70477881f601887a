import type { Clock } from '@ottla/runtime';
import { StoreUnavailableError } from '../errors';
import type { EtcdConnection } from './client-library';
import type { Connections } from './connections';
import { type GrpcFailure, grpcFailure, refusalError } from './grpc-failure';

export interface CallOptions {
  /** For messages: what is being done. */
  readonly what: string;
  /** True when doing it twice is the same as once; then it's tried again after any failure. */
  readonly repeatable: boolean;
  readonly leaseId?: string;
}

/** One attempt; must end in time. gRPC takes deadlines by the wall clock, in ms. */
export type Attempt<T> = (connection: EtcdConnection, limit: { deadline: number; timeoutMs: number }) => Promise<T>;

const BACKOFF_FIRST_MS = 25;
const BACKOFF_MAX_MS = 500;
/** With a few endpoints a silent one must leave time for the next. */
const ATTEMPT_SHARE = 0.4;

/** Makes unary calls: deadlines, other endpoints, and what a failure means. */
export class Calls {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();

  constructor(connections: Connections, clock: Clock, timeoutMs: number) {
    this.#connections = connections;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  async make<T>(attempt: Attempt<T>, options: CallOptions): Promise<T> {
    const end = this.#clock.now() + this.#timeoutMs;
    for (let backoffMs = BACKOFF_FIRST_MS; ; backoffMs = Math.min(2 * backoffMs, BACKOFF_MAX_MS)) {
      if (this.#closing.signal.aborted) throw new StoreUnavailableError('metadata store: closed', false);
      const connection = this.#connections.current;
      const timeoutMs = this.#attemptMs(end - this.#clock.now(), options);
      try {
        return await attempt(connection, { deadline: this.#clock.wall() + timeoutMs, timeoutMs });
      } catch (error) {
        const failure = grpcFailure(error);
        if (failure.outcome === 'refused') {
          throw refusalError(failure, options.what, options.leaseId ?? '', error);
        }
        this.#connections.failed(connection, failure.details);
        const again = options.repeatable || failure.outcome === 'not-sent';
        if (!again || this.#clock.now() + backoffMs >= end) throw this.#unavailable(failure, options, error);
      }
      await this.#clock.sleep(backoffMs, this.#closing.signal).catch(() => undefined);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #attemptMs(remainingMs: number, options: CallOptions): number {
    const shared = options.repeatable && this.#connections.count > 1;
    return Math.ceil(shared ? Math.min(remainingMs, this.#timeoutMs * ATTEMPT_SHARE) : remainingMs);
  }

  #unavailable(failure: GrpcFailure, options: CallOptions, cause: unknown): StoreUnavailableError {
    const maybeApplied = !options.repeatable && failure.outcome === 'unknown';
    const outcome = maybeApplied ? '; it may have been carried out' : '';
    const message = `metadata store (${this.#connections.description}): ${options.what}: ${failure.details}${outcome}`;
    return new StoreUnavailableError(message, maybeApplied, { cause });
  }
}
