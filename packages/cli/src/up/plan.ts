import { readFile } from 'node:fs/promises';
import { type Disk, nodeDisk, nodeRandom } from '@ottla/runtime';
import { CommandError } from '../command-error';
import { brokerIdsIn, type Layout, type ProcessLayout } from './layout';
import type { UpOptions } from './options';
import { Ports } from './ports';

export const DEFAULT_BROKERS = 3;

/** Where the processes of a cluster reach each other: all of them run on this machine. */
const LOOPBACK = '127.0.0.1';

/** Distances of a broker's other ports from its Kafka port, tried first. */
const GRPC_STEP = 100;
const PEER_STEP = 200;
const ADMIN_STEP = 300;
const STORE_STEP = 400;

/** The cluster as it is about to be started: everything that `cluster.json` says but the process ids. */
export interface Plan {
  readonly clusterId: string;
  readonly store: StorePlan;
  readonly brokers: readonly BrokerPlan[];
  /** Brokers that the directory holds and that are not started. */
  readonly leftOut: readonly number[];
}

export type StorePlan =
  | { readonly kind: 'embedded'; readonly endpoint: string; readonly files: ProcessLayout }
  | { readonly kind: 'etcd'; readonly endpoints: readonly string[] };

export interface BrokerPlan {
  readonly id: number;
  readonly kafka: string;
  readonly grpc: string;
  readonly peer: string;
  readonly admin: string;
  readonly files: ProcessLayout;
}

/** The settings that `ottla up` decides for each broker; the others in a broker's file are its owner's. */
export const DECIDED = [
  'node.id',
  'cluster.id',
  'cluster.expected.brokers',
  'log.dirs',
  'listeners',
  'grpc.listen',
  'peer.listen',
  'admin.listen',
  'metadata.store',
  'metadata.store.endpoints',
] as const;

type Settings = Record<string, unknown>;

/** Decides who listens where, and writes the config files that say so. */
export async function makePlan(options: UpOptions, layout: Layout): Promise<Plan> {
  for (const name of DECIDED) {
    if (name in options.settings) throw new CommandError(`--set ${name}: \`ottla up\` decides that for each broker`);
  }
  const present = brokerIdsIn(await nodeDisk.list(layout.root));
  const count = options.brokers ?? (present.length > 0 ? Math.max(...present) : DEFAULT_BROKERS);
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const clusterId = await ensureClusterId(nodeDisk, layout);
  const ports = new Ports();
  for (const id of ids) await ports.claim(options.host, options.port + id - 1, `broker ${id}`);

  const store = await planStore(options, layout, ports);
  const brokers: BrokerPlan[] = [];
  for (const id of ids) brokers.push(await planBroker(options, layout, ports, { id, clusterId, count, store }));
  return { clusterId, store, brokers, leftOut: present.filter((id) => id > count) };
}

async function ensureClusterId(disk: Disk, layout: Layout): Promise<string> {
  const known = await disk.readFile(layout.clusterId);
  const text = known === null ? '' : new TextDecoder().decode(known).trim();
  if (text !== '') return text;
  const id = Buffer.from(nodeRandom.bytes(16)).toString('base64url');
  await disk.writeFileAtomic(layout.clusterId, new TextEncoder().encode(`${id}\n`));
  return id;
}

async function planStore(options: UpOptions, layout: Layout, ports: Ports): Promise<StorePlan> {
  if (options.etcd !== null) return { kind: 'etcd', endpoints: options.etcd };
  const files = layout.store;
  const before = await readSettings(files.config);
  const endpoint = address(LOOPBACK, await ports.pick(LOOPBACK, portOf(before.listen), options.port + STORE_STEP));
  await writeSettings(files, { ...before, dir: files.data, listen: endpoint });
  return { kind: 'embedded', endpoint, files };
}

interface BrokerPlace {
  readonly id: number;
  readonly clusterId: string;
  readonly count: number;
  readonly store: StorePlan;
}

async function planBroker(options: UpOptions, layout: Layout, ports: Ports, place: BrokerPlace): Promise<BrokerPlan> {
  const { id, clusterId, count, store } = place;
  const files = layout.broker(id);
  const before = await readSettings(files.config);
  const kafkaPort = options.port + id - 1;
  const at = async (host: string, name: string, step: number): Promise<string> =>
    address(host, await ports.pick(host, portOf(before[name]), kafkaPort + step));
  const plan = {
    id,
    kafka: address(options.host, kafkaPort),
    grpc: await at(options.host, 'grpc.listen', GRPC_STEP),
    peer: await at(LOOPBACK, 'peer.listen', PEER_STEP),
    admin: await at(options.host, 'admin.listen', ADMIN_STEP),
    files,
  };
  const decided: Record<(typeof DECIDED)[number], string | number> = {
    'node.id': id,
    'cluster.id': clusterId,
    'cluster.expected.brokers': count,
    'log.dirs': files.data,
    listeners: `PLAINTEXT://${plan.kafka}`,
    'grpc.listen': plan.grpc,
    'peer.listen': plan.peer,
    'admin.listen': plan.admin,
    'metadata.store': store.kind,
    'metadata.store.endpoints': store.kind === 'etcd' ? store.endpoints.join(',') : store.endpoint,
  };
  await writeSettings(files, { ...before, ...options.settings, ...decided });
  return plan;
}

async function readSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new CommandError(`${path} can't be read: ${(error as Error).message}`, 1, { cause: error });
  }
  try {
    return JSON.parse(text) as Settings;
  } catch (error) {
    throw new CommandError(
      `${path} is not JSON: ${(error as Error).message}; mend it, or delete it to start afresh`,
      1,
      {
        cause: error,
      },
    );
  }
}

/** Writes the file unless it says so already. */
async function writeSettings(files: ProcessLayout, settings: Settings): Promise<void> {
  const text = new TextEncoder().encode(`${JSON.stringify(settings, null, 2)}\n`);
  const present = await nodeDisk.readFile(files.config);
  if (present !== null && Buffer.compare(present, text) === 0) return;
  await nodeDisk.makeDir(files.dir);
  await nodeDisk.writeFileAtomic(files.config, text);
}

function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The port of `host:port`. */
function portOf(address: unknown): number | undefined {
  const port = typeof address === 'string' ? Number(/:(\d+)$/.exec(address)?.[1]) : Number.NaN;
  return Number.isInteger(port) ? port : undefined;
}
