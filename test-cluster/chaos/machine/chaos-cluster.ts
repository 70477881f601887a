import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../harness/wait';
import { ChaosBroker } from './broker';
import { unmountLeftovers } from './disk';
import { ChaosEmbeddedStore, ChaosEtcd, type ChaosStore } from './metadata-store';
import { loopbackNetwork, type Network, namespacedNetwork } from './network';
import { askForView, type ClusterView, whatIsAmiss } from './view';

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

  /** Waits until every broker says that all brokers are there, every partition is led and every ISR is full. */
  async untilWhole(): Promise<void> {
    await waitFor(
      'the cluster to be whole',
      async () => {
        for (const { id, kafka, isRunning } of this.brokers) {
          if (!isRunning) throw new Error(`broker ${id} is down`);
          const amiss = whatIsAmiss(await askForView(kafka), this.brokers.length);
          if (amiss !== null) throw new Error(`broker ${id} sees ${amiss}`);
        }
        return true;
      },
      WHOLE_DEADLINE_MS,
      250,
    );
  }

  /** Ends every process and leaves nothing behind but `dir`; `keepData`: data of unmounted disks is copied there first. */
  removeNow(keepData: boolean): void {
    for (const broker of this.brokers) broker.killNow();
    this.store.killNow();
    for (const { disk } of this.brokers) disk.removeNow(keepData);
    this.network.removeNow();
  }
}
