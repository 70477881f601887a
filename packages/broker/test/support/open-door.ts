import { apis, encodeRequest } from '@ottla/protocol';
import { Deferred, nodeTcp } from '@ottla/runtime';
import type { SettingName } from '../../src/config/schema';
import { KafkaDoor, type KafkaDoorOptions } from '../../src/doors/kafka/kafka-door';
import { defineHandler, type Handler } from '../../src/handlers/handler';
import { ApiRegistry } from '../../src/handlers/registry';
import { eventually } from './eventually';
import { type FakeServices, fakeServices } from './fake-services';
import { RawClient } from './raw-client';

export const HEARTBEAT = { groupId: 'g', generationId: 1, memberId: 'm' };
export const LISTENER = { name: 'PLAINTEXT', host: '127.0.0.1', port: 0 };

/** Answers each Heartbeat when its promise, named by the member id, is settled. */
export class Gate {
  readonly begun: string[] = [];
  private readonly gates = new Map<string, Deferred<number>>();

  readonly handler: Handler = defineHandler(apis.Heartbeat, {
    handle: async ({ body }) => {
      this.begun.push(body.memberId);
      return { errorCode: await this.of(body.memberId).promise };
    },
    failure: (_request, error) => ({ errorCode: error.errorCode }),
  });

  of(name: string): Deferred<number> {
    const gate = this.gates.get(name) ?? new Deferred<number>();
    this.gates.set(name, gate);
    return gate;
  }
}

export const heartbeat = (correlationId: number, memberId: string, groupId = 'g'): Uint8Array =>
  encodeRequest(apis.Heartbeat, 3, correlationId, 'raw', { ...HEARTBEAT, groupId, memberId });

/** A door on a real port, with clients that are closed with it. */
export class OpenDoor {
  private readonly clients: RawClient[] = [];

  private constructor(
    readonly services: FakeServices,
    readonly door: KafkaDoor,
  ) {}

  static async open(
    handlers: readonly Handler[],
    config: Partial<Record<SettingName, unknown>> = {},
    options: Partial<KafkaDoorOptions> = {},
  ): Promise<OpenDoor> {
    const services = fakeServices({ config });
    const registry = new ApiRegistry(handlers);
    const door = await KafkaDoor.open({ network: nodeTcp, listener: LISTENER, services, registry, ...options });
    return new OpenDoor(services, door);
  }

  async client(): Promise<RawClient> {
    const opened = await RawClient.open(this.door.port);
    this.clients.push(opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const opened of this.clients) opened.close();
    const closing = this.door.close(1000);
    await eventually(() => this.door.connections === 0, 'all connections closed');
    await closing;
    expect(this.services.clock.pendingTimers).toBe(0);
  }
}
