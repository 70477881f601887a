import type { door } from '@ottla/rpc';

export interface BrokerDescription {
  readonly id: number;
  /** host:port of its Kafka listener. */
  readonly kafka: string;
  /** host:port of its gRPC listener. */
  readonly grpc: string;
  readonly rack: string | null;
  readonly state: 'active' | 'draining';
  /** Drawn at each start of the broker's process. */
  readonly run: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** Broker id, -1 when there is no controller at the moment. */
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly brokers: readonly BrokerDescription[];
}

export function clusterDescription(response: door.DescribeClusterResponse): ClusterDescription {
  const { clusterId, controllerId, controllerEpoch, brokers } = response;
  const described = brokers.map(describeBroker).sort((a, b) => a.id - b.id);
  return { clusterId, controllerId, controllerEpoch, brokers: described };
}

function describeBroker({ id, kafka, grpc, rack, state, run, startedAt }: door.BrokerState): BrokerDescription {
  return {
    id,
    kafka,
    grpc,
    rack: rack === '' ? null : rack,
    state: state === 'draining' ? 'draining' : 'active',
    run,
    startedAt,
  };
}
