import type { Logger } from '@ottla/runtime';
import type { EtcdConnection } from './client-library';

/** The store's endpoints. One is in use, and stays so until it fails; then the next one is. */
export class Connections {
  readonly #endpoints: readonly string[];
  readonly #logger: Logger;
  readonly #open = new Map<string, EtcdConnection>();
  readonly #connect: (endpoint: string) => EtcdConnection;
  #current = 0;

  constructor(endpoints: readonly string[], connect: (endpoint: string) => EtcdConnection, logger: Logger) {
    this.#endpoints = endpoints;
    this.#connect = connect;
    this.#logger = logger;
  }

  get count(): number {
    return this.#endpoints.length;
  }

  get description(): string {
    return this.#endpoints.join(', ');
  }

  get current(): EtcdConnection {
    const endpoint = this.#endpoints[this.#current]!;
    let connection = this.#open.get(endpoint);
    if (connection === undefined) {
      connection = this.#connect(endpoint);
      this.#open.set(endpoint, connection);
    }
    return connection;
  }

  /** Goes on to the next endpoint, unless another failure of this one has done so already. */
  failed(connection: EtcdConnection, reason: string): void {
    if (this.#endpoints.length === 1 || connection.endpoint !== this.#endpoints[this.#current]) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
    const next = this.#endpoints[this.#current];
    this.#logger.warn('metadata store: endpoint failed, going on with the next', {
      endpoint: connection.endpoint,
      next,
      reason,
    });
  }

  close(): void {
    for (const connection of this.#open.values()) connection.close();
    this.#open.clear();
  }
}
