import { Deferred } from '@ottla/runtime';
import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';

/** A keep-alive stream of gRPC. */
export interface KeepAliveStream {
  write(request: ILeaseKeepAliveRequest): void;
  on(event: 'data', listener: (response: ILeaseKeepAliveResponse) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  cancel(): void;
}

interface Session {
  readonly stream: Promise<KeepAliveStream>;
  readonly waiting: { readonly leaseId: string; readonly answer: Deferred<number> }[];
}

/** The keep-alives of all leases, on one stream of a connection. */
export class KeepAlives {
  readonly #openStream: () => Promise<KeepAliveStream>;
  #session: Session | null = null;

  constructor(openStream: () => Promise<KeepAliveStream>) {
    this.#openStream = openStream;
  }

  /** @returns the TTL in seconds, 0 when the lease is gone. */
  async send(leaseId: string): Promise<number> {
    const session = this.#session ?? this.#open();
    const stream = await session.stream;
    if (this.#session !== session) throw new Error('14 UNAVAILABLE: the keep-alive stream was lost');
    const answer = new Deferred<number>();
    session.waiting.push({ leaseId, answer });
    stream.write({ ID: leaseId });
    return answer.promise;
  }

  /** Gives the stream up: what waits fails, the next keep-alive opens another. */
  reset(error: Error): void {
    if (this.#session !== null) this.#lose(this.#session, error);
  }

  #open(): Session {
    const session: Session = { stream: this.#openStream(), waiting: [] };
    this.#session = session;
    session.stream.then(
      (stream) => {
        stream.on('data', (response) => answered(session, response));
        stream.on('error', (error) => this.#lose(session, error));
        stream.on('end', () => this.#lose(session, new Error('14 UNAVAILABLE: the keep-alive stream ended')));
      },
      (error) => this.#lose(session, error),
    );
    return session;
  }

  #lose(session: Session, error: Error): void {
    if (this.#session === session) this.#session = null;
    for (const { answer } of session.waiting.splice(0)) answer.reject(error);
    session.stream.then(
      (stream) => stream.cancel(),
      () => undefined,
    );
  }
}

function answered({ waiting }: Session, response: ILeaseKeepAliveResponse): void {
  const leaseId = String(response.ID);
  const at = waiting.findIndex((one) => one.leaseId === leaseId);
  if (at >= 0) waiting.splice(at, 1)[0]!.answer.resolve(Number(response.TTL));
}
