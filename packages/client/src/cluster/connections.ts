import { type DoorClient, doorClient } from '@ottla/rpc';
import type { Clock } from '@ottla/runtime';

/** One client per broker address, made when first asked for. */
export class Connections {
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, DoorClient>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  to(address: string): DoorClient {
    let client = this.#byAddress.get(address);
    if (client === undefined) {
      client = doorClient(address, { clock: this.#clock });
      this.#byAddress.set(address, client);
    }
    return client;
  }

  /** Closes the client of an address that is no broker's any more. */
  drop(address: string): void {
    this.#byAddress.get(address)?.close();
    this.#byAddress.delete(address);
  }

  close(): void {
    for (const address of [...this.#byAddress.keys()]) this.drop(address);
  }
}
