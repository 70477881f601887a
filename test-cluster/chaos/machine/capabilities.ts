import { hasProgram } from '../../harness/processes';

/** What faults need beside processes and signals. */
export type Capability = 'namespaces' | 'mounts';

export interface Missing {
  readonly capability: Capability;
  /** What is missing, and how to get it. */
  readonly reason: string;
}

const INSTALL = 'apt-get install iproute2 iptables util-linux';

/** What this machine can't do. */
export function missingCapabilities(): Missing[] {
  const isRoot = process.getuid?.() === 0;
  const need = (capability: Capability, programs: readonly string[]): Missing[] => {
    const absent = programs.filter((program) => !hasProgram(program));
    if (isRoot && absent.length === 0) return [];
    const reasons = [
      ...(isRoot ? [] : ['run as root']),
      ...(absent.length === 0 ? [] : [`${absent.join(', ')} missing: ${INSTALL}`]),
    ];
    return [{ capability, reason: reasons.join('; ') }];
  };
  return [...need('namespaces', ['ip', 'iptables', 'nsenter']), ...need('mounts', ['mount', 'umount'])];
}

/** Programs without which nothing can be run, and how to get them. */
export function missingPrograms(store: 'etcd' | 'embedded'): string | null {
  const programs = ['kcat', 'python3', ...(store === 'etcd' ? ['etcd', 'etcdctl'] : [])];
  const absent = programs.filter((program) => !hasProgram(program));
  if (absent.length === 0) return null;
  return `${absent.join(', ')} missing: apt-get install kcat python3-venv etcd-server etcd-client`;
}
