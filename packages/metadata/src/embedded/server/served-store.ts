import { status } from '@grpc/grpc-js';
import type { MachineRecord } from '../../machine/requests';
import type { StoreMachine } from '../../machine/store-machine';
import { MAX_REQUEST_BYTES } from '../../store';
import type { DurableStore } from '../durable-store';
import type { HeaderMessage } from './messages';
import type { Received } from './service-definitions';
import { StatusError } from './status';

/** The store with what etcd's answers say about the member that gives them. */
export class ServedStore {
  readonly store: DurableStore;
  /** Decimal, below 2^63; cluster and member in one. */
  readonly id: string;
  readonly #clientUrl: () => string;

  constructor(store: DurableStore, clientUrl: () => string) {
    this.store = store;
    this.id = String(BigInt.asUintN(63, BigInt(`0x${store.storeId}`)));
    this.#clientUrl = clientUrl;
  }

  get clientUrl(): string {
    return this.#clientUrl();
  }

  header(revision: number): HeaderMessage {
    return { cluster_id: this.id, member_id: this.id, revision, raft_term: 1 };
  }

  /** Runs a request; the answer, with its header, comes when all that it tells is durable. */
  async answer<T extends object>(
    request: (machine: StoreMachine, now: number) => { result: T; records?: readonly MachineRecord[] },
  ): Promise<T & { header: HeaderMessage }> {
    return this.store.run((machine, now) => {
      const { result, records = [] } = request(machine, now);
      return { result: { header: this.header(machine.revision), ...result }, records };
    });
  }
}

/** The message of a request of acceptable size. */
export function opened<T>(received: Received<T>): T {
  if (received.byteLength > MAX_REQUEST_BYTES) {
    throw new StatusError(status.INVALID_ARGUMENT, 'etcdserver: request is too large');
  }
  return received.message;
}
