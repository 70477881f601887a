import { createGrpcServer, type GrpcServer, serveDoor } from '@ottla/rpc';
import { nodeTcp } from '@ottla/runtime';
import { GrpcDoorHandlers } from '../doors/grpc/door-handlers';
import { KafkaDoor } from '../doors/kafka/kafka-door';
import { brokerApis } from '../handlers/registry';
import type { BrokerServices } from '../services';
import type { Foundation } from './foundation';

export interface OpenDoors {
  /** By listener name. */
  readonly kafkaPorts: ReadonlyMap<string, number>;
  readonly grpcPort: number;
  readonly grpc: GrpcServer;
}

/** Opens the Kafka listeners and the gRPC door. gRPC is taken on the Kafka listeners too. */
export async function openDoors(
  { config, closing, clock, logger }: Foundation,
  services: BrokerServices,
): Promise<OpenDoors> {
  const registry = brokerApis();
  const kafkaPorts = new Map<string, number>();
  const listenerAt = (port: number): string | null => [...kafkaPorts].find(([, bound]) => bound === port)?.[0] ?? null;
  const grpc = createGrpcServer({ clock, logger });
  serveDoor(grpc, new GrpcDoorHandlers(registry, services, listenerAt), { clock });
  const { port: grpcPort } = await grpc.listen(config['grpc.listen']);
  const timeoutMs = config['controlled.shutdown.timeout.ms'];
  closing.add('the gRPC door', () => grpc.close(timeoutMs));
  for (const listener of config.listeners) {
    const door = await KafkaDoor.open({
      ...{ network: nodeTcp, listener, services, registry },
      onForeignConnection: (connection) => grpc.takeConnection(connection),
    });
    kafkaPorts.set(listener.name, door.port);
    closing.add(`the Kafka listener ${listener.name}`, () => door.close(timeoutMs));
  }
  return { kafkaPorts, grpcPort, grpc };
}
