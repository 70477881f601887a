import { Client, credentials } from '@grpc/grpc-js';
import { nodeClock, silentLogger } from '@ottla/runtime';
import {
  createGrpcServer,
  type DoorCall,
  type DoorClient,
  type DoorHandlers,
  type door,
  doorClient,
  type GrpcServer,
  serveDoor,
} from '../src';
import { brokerService } from '../src/door/services';
import { HOST } from './streams';

export const TIMEOUT = { timeoutMs: 5_000 };
export const MAX_UNANSWERED = 1_000_000;
export const everything: door.MetadataRequest = { topics: [], allTopics: true, allowAutoTopicCreation: false };
export const nothing: door.MetadataResponse = { clusterId: '', controllerId: -1, brokers: [], topics: [] };

/** A door over handlers that each test sets, and a client of it. */
export class DoorFixture {
  /** Calls that were put to a handler. */
  readonly calls: DoorCall[] = [];
  handlers: Partial<DoorHandlers> = { currentLeader: () => ({ leader: 3, leaderEpoch: 8 }) };
  readonly server: GrpcServer = createGrpcServer({ clock: nodeClock, logger: silentLogger });
  client!: DoorClient;
  port = 0;

  static async open(): Promise<DoorFixture> {
    const fixture = new DoorFixture();
    const byName: ProxyHandler<object> = {
      get: (_target, name) => (request: never, call: DoorCall) =>
        fixture.#handle(name as keyof DoorHandlers, request, call),
    };
    const options = { clock: nodeClock, maxUnansweredBytes: MAX_UNANSWERED };
    serveDoor(fixture.server, new Proxy({}, byName) as DoorHandlers, options);
    fixture.port = (await fixture.server.listen({ host: HOST, port: 0 })).port;
    fixture.client = doorClient(`${HOST}:${fixture.port}`, { clock: nodeClock });
    return fixture;
  }

  async close(): Promise<void> {
    this.client.close();
    await this.server.close();
  }

  /** A stream as a client has it that isn't this project's. */
  rawStream<Request, Response>(name: 'Produce' | 'Fetch') {
    const { path, requestSerialize, responseDeserialize } = brokerService[name]!;
    const raw = new Client(`${HOST}:${this.port}`, credentials.createInsecure());
    const call = raw.makeBidiStreamRequest<Request, Response>(path, requestSerialize, responseDeserialize);
    call.on('status', () => raw.close());
    return call;
  }

  #handle(name: keyof DoorHandlers, request: never, call: DoorCall | undefined): unknown {
    if (call !== undefined) this.calls.push(call);
    const handler = this.handlers[name] as ((request: never, call: DoorCall | undefined) => unknown) | undefined;
    if (handler === undefined) throw new Error(`${name} is not expected`);
    return handler(request, call);
  }
}

/** Resolves when the value was the same over some turns of the event loop with I/O. */
export async function still(value: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = value() === last ? same + 1 : 0;
    last = value();
  }
}
