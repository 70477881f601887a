import { status } from '@grpc/grpc-js';
import type { ServedStore } from './served-store';
import type { Received } from './service-definitions';
import { StatusError } from './status';

/** Of the API served; etcd's clients look at it. */
const API_VERSION = '3.4.0';
const GET_ALARMS = 0;

/** etcdserverpb.Cluster: the one member. */
export function clusterService(served: ServedStore) {
  return {
    MemberList: () =>
      served.answer(() => ({
        result: { members: [{ ID: served.id, name: 'ottla', peerURLs: [], clientURLs: [served.clientUrl] }] },
      })),
  };
}

/** etcdserverpb.Maintenance: what `etcdctl endpoint status` and `endpoint health` ask for. */
export function maintenanceService(served: ServedStore) {
  return {
    Status: () =>
      served.answer((machine) => ({
        result: {
          version: API_VERSION,
          dbSize: served.store.diskBytes,
          dbSizeInUse: served.store.diskBytes,
          leader: served.id,
          raftIndex: machine.revision,
          raftAppliedIndex: served.store.durableRevision,
          raftTerm: 1,
        },
      })),
    Alarm: (received: Received<{ readonly action: number }>) => {
      if (received.message.action !== GET_ALARMS) {
        throw new StatusError(status.UNIMPLEMENTED, 'the embedded store raises no alarms');
      }
      return served.answer(() => ({ result: { alarms: [] } }));
    },
  };
}
