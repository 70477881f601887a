import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OTTLA } from '../../harness/processes';
import { waitFor } from '../../harness/wait';
import { ChaosBroker } from './broker';
import { command } from './commands';
import { unmountLeftovers } from './disk';
import { ChaosEmbeddedStore, ChaosEtcd, type ChaosStore } from './metadata-store';
import { loopbackNetwork, type Network, namespacedNetwork } from './network';
import { askForView, type ClusterView, whatIsAmiss } from './view';

const STAYS_WHOLE_MS = 1_000;
/** A killed leader, a client's request timeout of 30 s, and a machine that does much else. */
const WHOLE_DEADLINE_MS = 180_000;

export interface ClusterOptions {
  /** Logs, configs and data go here. */
  readonly dir: string;
  readonly brokers: number;
  readonly store: 'etcd' | 'embedded';
  readonly namespaces: boolean;
  readonly mounts: boolean;
  /** Size of each broker's disk when it is mounted. */
  readonly diskMegabytes: number;
}

/** Brokers and their metadata store, each a process on a host of its own. */
export class ChaosCluster {
  /** Processes that ended by themselves. */
  readonly crashes: string[] = [];
  readonly store: ChaosStore;
  readonly brokers: readonly ChaosBroker[];

  private constructor(
    private readonly options: ClusterOptions,
    readonly network: Network,
  ) {
    const [storeHost, ...hosts] = network.hosts;
    const dirOf = (name: string): string => {
      const dir = join(options.dir, name);
      mkdirSync(dir, { recursive: true });
      return dir;
    };
    const onCrash = (what: string): void => void this.crashes.push(what);
    const Store = options.store === 'etcd' ? ChaosEtcd : ChaosEmbeddedStore;
    this.store = new Store(storeHost!, dirOf('store'), onCrash);
    this.brokers = hosts.map((host, index) => {
      const id = index + 1;
      return new ChaosBroker(id, host, dirOf(`broker-${id}`), options.diskMegabytes, onCrash);
    });
  }

  /** Nothing runs yet. What was made is removed by `removeNow`. */
  static async prepare(options: ClusterOptions): Promise<ChaosCluster> {
    if (options.mounts) unmountLeftovers();
    const hosts = options.brokers + 1;
    const network = await (options.namespaces ? namespacedNetwork(hosts) : loopbackNetwork(hosts));
    return new ChaosCluster(options, network);
  }

  async start(): Promise<void> {
    const { store, options } = this;
    if (options.mounts) for (const { disk } of this.brokers) await disk.mount();
    await store.start();
    for (const broker of this.brokers)
      broker.writeConfig({ id: 'chaos', brokers: options.brokers, store, storeKind: options.store });
    await Promise.all(this.brokers.map((broker) => broker.start()));
  }

  get bootstrap(): string {
    return this.brokers.map(({ kafka }) => kafka).join(',');
  }

  broker(id: number): ChaosBroker {
    return this.brokers[id - 1]!;
  }

  /** Creates a topic with three replicas of each partition. */
  async createTopic(name: string, partitions: number): Promise<void> {
    const size = ['--partitions', String(partitions), '--replication-factor', '3'];
    const args = [OTTLA, 'topics', 'create', name, ...size, '--bootstrap', this.bootstrap];
    await command(process.execPath, args);
  }

  /** As the first broker that answers sees it. */
  async view(): Promise<ClusterView> {
    let last: unknown;
    for (const { kafka, isRunning } of this.brokers) {
      if (!isRunning) continue;
      try {
        return await askForView(kafka);
      } catch (error) {
        last = error;
      }
    }
    throw new Error(`no broker answers: ${String(last)}`);
  }

  /**
   * Waits until every broker says that all brokers are there, every partition is led and every ISR is full, and has said
   * so for a while: what happened just now may not have come to them yet.
   */
  async untilWhole(): Promise<void> {
    let since: number | null = null;
    const isWhole = async (): Promise<boolean> => {
      try {
        await this.expectWhole();
      } catch (error) {
        since = null;
        throw error;
      }
      since ??= performance.now();
      return performance.now() - since >= STAYS_WHOLE_MS;
    };
    await waitFor('the cluster to be whole', isWhole, WHOLE_DEADLINE_MS, 250);
  }

  private async expectWhole(): Promise<void> {
    for (const { id, kafka, isRunning } of this.brokers) {
      if (!isRunning) throw new Error(`broker ${id} is down`);
      const amiss = whatIsAmiss(await askForView(kafka), this.brokers.length);
      if (amiss !== null) throw new Error(`broker ${id} sees ${amiss}`);
    }
  }

  /** Ends every process. */
  endNow(): void {
    for (const broker of this.brokers) broker.killNow();
    this.store.killNow();
  }

  /** Copies what is on disks that were mounted for the run to where it stays. */
  keepData(): void {
    for (const { disk } of this.brokers) disk.keepData();
  }

  /** Ends every process and leaves nothing behind but the directory. */
  removeNow(): void {
    this.endNow();
    for (const { disk } of this.brokers) disk.removeNow();
    this.network.removeNow();
  }
}
