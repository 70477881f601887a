import { doorLink } from '../network/door-link';
import { inspectionOf } from './inspection';
import type { WorkloadWorld } from './workload-world';
import { GRPC_PORT, KAFKA_PORT, type World } from './world';

/** The world as the workload has it. */
export function clientWorld(world: World): WorkloadWorld {
  const { time, plan, network } = world;
  return {
    ...{ time, topology: plan, brokers: plan.brokers, inspect: inspectionOf(world) },
    random: world.streams.of('workload'),
    tcpFor: (client) => world.clientTcp(client),
    clockFor: (client) => world.clientClock(client),
    bootstrap: () => [...world.brokers.values()].map(({ host }) => ({ host, port: KAFKA_PORT })),
    door: (client, id) => {
      const broker = world.brokers.get(id)!;
      const address = { host: broker.host, port: GRPC_PORT };
      const life = world.client(client);
      const door = () => (broker.door === null || !broker.alive ? null : { handlers: broker.door, life: broker.life! });
      return doorLink({ network, client, life, address, door });
    },
    trace: (line) => world.trace.line(line),
    violation: (violation) => world.violation(violation),
    count: (counter) => world.counters.add(counter),
  };
}
