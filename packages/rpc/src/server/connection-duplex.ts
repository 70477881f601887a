import { Duplex } from 'node:stream';
import type { TcpConnection } from '@ottla/runtime';

const HIGH_WATER_BYTES = 256 * 1024;

/** A connection that another listener accepted, as the stream that an HTTP/2 session is made over. */
export class ConnectionDuplex extends Duplex {
  readonly #connection: TcpConnection;
  #onDrain: (() => void) | null = null;

  constructor(connection: TcpConnection) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#connection = connection;
    connection.handle({
      data: (bytes) => {
        if (!this.push(bytes)) connection.pause();
      },
      drain: () => {
        const onDrain = this.#onDrain;
        this.#onDrain = null;
        onDrain?.();
      },
      end: () => this.push(null),
      close: (error) => this.destroy(error ?? undefined),
    });
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#send([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: () => void): void {
    this.#connection.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#connection.destroy(error ?? undefined);
    callback(error);
  }

  #send(chunks: Buffer[], callback: () => void): void {
    if (this.#connection.write(chunks)) callback();
    else this.#onDrain = callback;
  }
}
