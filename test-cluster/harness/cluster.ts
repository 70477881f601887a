import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { partitionForGroup } from '@ottla/groups';
import { freePorts, killNine, OTTLA, type Started, scratchDir, start } from './processes';
import { waitFor } from './wait';

/** What `ottla up` writes to DIR/cluster.json. */
export interface ClusterFile {
  clusterId: string;
  bootstrap: string;
  store: { kind: 'embedded' | 'etcd'; endpoints: string[]; pid: number | null };
  brokers: BrokerEntry[];
}

export interface BrokerEntry {
  id: number;
  pid: number;
  kafka: string;
  grpc: string;
  admin: string;
  dataDir: string;
  config: string;
}

export interface TopicDescription {
  name: string;
  topicId: string;
  partitions: {
    partition: number;
    leader: number | null;
    leaderEpoch: number;
    replicas: number[];
    isr: number[];
    progress?: { broker: number; logEnd: number; highWatermark: number }[];
  }[];
}

export interface ClusterOptions {
  brokers?: number;
  etcd?: string;
  /** Arguments for `ottla up` beside the usual ones. */
  args?: readonly string[];
  dataDir?: string;
  port?: number;
}

/** A cluster of real processes, started by `ottla up` as a user would. */
export class RunningCluster {
  private readonly restarted = new Map<number, Started>();

  private constructor(
    readonly up: Started,
    readonly dataDir: string,
    readonly file: ClusterFile,
    private readonly removeDir: () => void,
  ) {}

  static async start(options: ClusterOptions = {}): Promise<RunningCluster> {
    const brokers = options.brokers ?? 3;
    const scratch = scratchDir('cluster');
    const dataDir = options.dataDir ?? scratch.path;
    const port = options.port ?? (await freePorts(brokers));
    const store = options.etcd === undefined ? [] : ['--etcd', options.etcd];
    const up = start(process.execPath, [
      ...[OTTLA, 'up', '--brokers', String(brokers), '--port', String(port), '--data', dataDir],
      ...store,
      ...(options.args ?? []),
    ]);
    const path = join(dataDir, 'cluster.json');
    const file = await waitFor(
      `${path} of a cluster with a living \`ottla up\``,
      () => readCluster(path, up),
      30_000,
      5,
    ).catch(async (error: Error) => {
      await up.stop('SIGKILL');
      throw new Error(`${error.message}\n${up.output()}`);
    });
    return new RunningCluster(up, dataDir, file, () => scratch.remove());
  }

  get bootstrap(): string {
    return this.file.bootstrap;
  }

  get brokerAddresses(): string[] {
    return this.file.bootstrap.split(',');
  }

  broker(id: number): BrokerEntry {
    const entry = this.file.brokers.find((broker) => broker.id === id);
    if (entry === undefined) throw new Error(`no broker ${id} in ${this.file.bootstrap}`);
    return entry;
  }

  pidOf(id: number): number {
    return this.restarted.get(id)?.child.pid ?? this.broker(id).pid;
  }

  kill(id: number): Promise<void> {
    return killNine(this.pidOf(id));
  }

  /** Starts a killed broker again from its own config file, as an operator would. */
  async restart(id: number): Promise<void> {
    const { config, admin } = this.broker(id);
    const started = start(process.execPath, [OTTLA, 'broker', '--config', config]);
    this.restarted.set(id, started);
    await waitFor(`broker ${id} to be healthy`, async () => {
      if (started.child.exitCode !== null) throw new Error(`broker ${id} exited: ${started.output()}`);
      return (await fetch(`${admin.startsWith('http') ? admin : `http://${admin}`}/healthz`)).ok;
    });
  }

  /** Runs an `ottla` command against the cluster and gives its standard output. */
  run(...args: string[]): string {
    const result = spawnSync(process.execPath, [OTTLA, ...args, '--bootstrap', this.bootstrap], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      timeout: 60_000,
    });
    if (result.status !== 0)
      throw new Error(`ottla ${args.join(' ')} exited ${result.status}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  describeTopic(name: string): TopicDescription {
    return JSON.parse(this.run('topics', 'describe', name, '--json'));
  }

  /** The broker that is controller now, as the cluster's metadata says. */
  controller(): number | null {
    return JSON.parse(this.run('cluster', 'describe', '--json')).controller;
  }

  /** The broker that coordinates a group: the leader of its partition of __consumer_offsets. */
  coordinatorOf(groupId: string): number {
    const { partitions } = this.describeTopic('__consumer_offsets');
    const { leader } = partitions[partitionForGroup(groupId, partitions.length)]!;
    if (leader === null) throw new Error(`the partition of group ${groupId} has no leader`);
    return leader;
  }

  async stop(): Promise<void> {
    for (const started of this.restarted.values()) await started.stop('SIGKILL');
    await this.up.stop('SIGINT');
    this.removeDir();
  }
}

function readCluster(path: string, up: Started): ClusterFile | null {
  if (up.child.exitCode !== null) throw new Error(`ottla up exited with ${up.child.exitCode}`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ClusterFile) : null;
}
