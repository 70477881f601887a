import { GrpcDoorHandlers } from '../doors/grpc/door-handlers';
import { KafkaDoor } from '../doors/kafka/kafka-door';
import { brokerApis } from '../handlers/registry';
import type { BrokerServices } from '../services';
import type { Foundation } from './foundation';
import type { GrpcDoor } from './ports';

export interface OpenDoors {
  /** By listener name. */
  readonly kafkaPorts: ReadonlyMap<string, number>;
  readonly grpcPort: number;
  readonly grpc: GrpcDoor;
}

/** Opens the Kafka listeners and the gRPC door. gRPC is taken on the Kafka listeners too. */
export async function openDoors(
  { ports, config, closing, logger }: Foundation,
  services: BrokerServices,
): Promise<OpenDoors> {
  const registry = brokerApis();
  const kafkaPorts = new Map<string, number>();
  const listenerAt = (port: number): string | null => [...kafkaPorts].find(([, bound]) => bound === port)?.[0] ?? null;
  const grpc = ports.openGrpcDoor(logger);
  grpc.serve(new GrpcDoorHandlers(registry, services, listenerAt));
  const { port: grpcPort } = await grpc.listen(config['grpc.listen']);
  const timeoutMs = config['controlled.shutdown.timeout.ms'];
  closing.add('the gRPC door', () => grpc.close(timeoutMs));
  for (const listener of config.listeners) {
    const door = await KafkaDoor.open({
      ...{ network: ports.tcp, listener, services, registry },
      onForeignConnection: (connection) => grpc.takeConnection(connection),
    });
    kafkaPorts.set(listener.name, door.port);
    closing.add(`the Kafka listener ${listener.name}`, () => door.close(timeoutMs));
  }
  return { kafkaPorts, grpcPort, grpc };
}
