import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterFile } from './up/cluster-file';

export const DEFAULT_DATA_DIR = '.ottla';
const DEFAULT_BOOTSTRAP = '127.0.0.1:9092';

/** The addresses to connect to: those given, else those of the cluster in `./.ottla`, else the usual one. */
export function bootstrapOf(given: string | undefined): string {
  return given ?? localCluster() ?? DEFAULT_BOOTSTRAP;
}

function localCluster(): string | null {
  try {
    const file = JSON.parse(readFileSync(join(DEFAULT_DATA_DIR, 'cluster.json'), 'utf8')) as Partial<ClusterFile>;
    return typeof file.bootstrap === 'string' && file.bootstrap !== '' ? file.bootstrap : null;
  } catch {
    // No cluster was started here.
    return null;
  }
}
