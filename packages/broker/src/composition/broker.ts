import type { OttlaError } from '@ottla/protocol';
import { Deferred, type Logger } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import type { BrokerServices } from '../services';
import { registeredAddresses } from './addresses';
import { Closing } from './closing';
import { openDoors } from './doors';
import { type Foundation, openFoundation } from './foundation';
import type { BrokerPorts } from './ports';
import { openServices } from './services';

export interface RunningBroker {
  readonly broker: number;
  readonly clusterId: string;
  /** host:port under which this process can be reached from its own machine. */
  readonly addresses: { readonly kafka: string; readonly grpc: string; readonly peer: string; readonly admin: string };
  /** Settles, with the reason, when the broker can't go on and should be closed; never otherwise. */
  readonly failed: Promise<OttlaError>;
  /** Hands its leaderships over, answers what is under way, and closes everything. */
  close(): Promise<void>;
  /** What its handlers reach; to look at, not to act through. */
  readonly services: BrokerServices;
}

const REGISTRATION_TIMEOUT_MS = 30_000;
/** Clients of what was handed over have moved when none of them needed this broker for so long; they get so long at most. */
const CLIENTS_QUIET_MS = 50;
const CLIENTS_MOVE_MS = 500;

/** Starts a broker over these ports. Resolves when it serves; rejects, with everything closed again, when it can't. */
export async function startBrokerOn(ports: BrokerPorts, config: BrokerConfig, logger: Logger): Promise<RunningBroker> {
  const closing = new Closing();
  try {
    return await start(ports, config, logger, closing);
  } catch (error) {
    await closing.run(logger);
    throw error;
  }
}

/** From the ground up: what was opened later is closed earlier. */
async function start(
  ports: BrokerPorts,
  config: BrokerConfig,
  logger: Logger,
  closing: Closing,
): Promise<RunningBroker> {
  const startedAt = ports.clock.wall();
  const failed = new Deferred<OttlaError>();
  const self = { broker: config['node.id'], run: ports.random.uuid() };
  const fail = (error: OttlaError): void => failed.resolve(error);
  const foundation = await openFoundation({ ports, config, logger, self, closing, fail });
  const { member, tracker, directory } = foundation;
  await member.prepare();

  const { services, peerPort } = await openServices(foundation);
  const doors = await openDoors(foundation, services);
  const status = { serving: false };
  const admin = await ports.openAdminServer(config['admin.listen'], { healthy: () => status.serving });
  closing.add('the admin server', () => admin.close());

  const bound = { kafka: doors.kafkaPorts, grpc: doors.grpcPort, peer: peerPort };
  const addresses = registeredAddresses(config, bound, () => ports.machineHost());
  closing.add('the membership', () => member.close());
  const start = { number: directory.starts, predecessor: directory.predecessor };
  await member.start({ logIds: [directory.logId], rack: config['broker.rack'], ...addresses, startedAt, start });
  await tracker.waitFor((image) => image.brokers.get(self.broker)?.value.run === self.run, REGISTRATION_TIMEOUT_MS);

  doors.grpc.setHealth('', 'serving');
  status.serving = true;
  closing.add('service', async () => {
    status.serving = false;
    doors.grpc.setHealth('', 'not-serving');
    await member.drain(config['controlled.shutdown.timeout.ms']);
    await services.forwarder.untilQuiet(CLIENTS_QUIET_MS, CLIENTS_MOVE_MS);
  });
  const [listener] = config.listeners;
  return {
    broker: self.broker,
    clusterId: config['cluster.id'],
    addresses: {
      kafka: localAddress(listener!.host, doors.kafkaPorts.get(listener!.name)!),
      grpc: localAddress(config['grpc.listen'].host, doors.grpcPort),
      peer: localAddress(config['peer.listen'].host, peerPort),
      admin: localAddress(config['admin.listen'].host, admin.port),
    },
    failed: failed.promise,
    services,
    close: () => stop(foundation),
  };
}

async function stop({ closing, logger }: Foundation): Promise<void> {
  logger.info('shutting down: handing over leaderships');
  await closing.run(logger);
  logger.info('shut down');
}

function localAddress(host: string, port: number): string {
  return `${host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
}
