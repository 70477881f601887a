import { join } from 'node:path';

/** Where `ottla up` keeps what in its data directory. All paths are absolute when the directory is. */
export interface Layout {
  readonly root: string;
  /** Held while an `ottla up` runs on the directory. */
  readonly lock: string;
  /** The cluster's id, made on the first start. */
  readonly clusterId: string;
  /** Addresses and process ids of the running cluster; there while every process serves. */
  readonly cluster: string;
  readonly store: ProcessLayout;
  broker(id: number): ProcessLayout;
}

export interface ProcessLayout {
  readonly dir: string;
  readonly config: string;
  readonly data: string;
  readonly log: string;
}

export function layoutOf(root: string): Layout {
  const processIn = (name: string, log: string): ProcessLayout => {
    const dir = join(root, name);
    return { dir, config: join(dir, 'config.json'), data: join(dir, 'data'), log: join(dir, log) };
  };
  return {
    root,
    lock: join(root, 'up.lock'),
    clusterId: join(root, 'cluster-id'),
    cluster: join(root, 'cluster.json'),
    store: processIn('store', 'store.log'),
    broker: (id) => processIn(`broker-${id}`, 'broker.log'),
  };
}

const BROKER_DIR = /^broker-(\d+)$/;

/** The ids of the brokers that have a directory, given the names in the data directory. */
export function brokerIdsIn(names: readonly string[]): number[] {
  return names
    .map((name) => BROKER_DIR.exec(name)?.[1])
    .filter((id) => id !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}
