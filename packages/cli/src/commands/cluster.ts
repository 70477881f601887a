import type { ClusterDescription } from '@ottla/client';
import { say, sayJson } from '../stdio/say';
import { table } from '../stdio/table';
import { withClient } from './with-client';

export function describeCluster({ bootstrap, json }: { bootstrap?: string; json?: boolean }): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    const cluster = await admin.describeCluster();
    if (json) {
      const { clusterId, controllerId, controllerEpoch, brokers } = cluster;
      sayJson({ clusterId, controller: controllerId < 0 ? null : controllerId, controllerEpoch, brokers });
    } else {
      say(asText(cluster));
    }
    return 0;
  });
}

function asText({ clusterId, controllerId, controllerEpoch, brokers }: ClusterDescription): string {
  const rows = brokers.map(({ id, kafka, grpc, rack, state, startedAt }) => [
    String(id),
    kafka,
    grpc,
    rack ?? '',
    new Date(startedAt).toISOString(),
    [id === controllerId ? 'controller' : '', state === 'active' ? '' : state].filter(Boolean).join(', '),
  ]);
  const controller = controllerId < 0 ? 'no controller' : `controller ${controllerId} in epoch ${controllerEpoch}`;
  return [`${clusterId}  ${controller}`, ...table(['broker', 'kafka', 'grpc', 'rack', 'started', ''], rows)].join('\n');
}
