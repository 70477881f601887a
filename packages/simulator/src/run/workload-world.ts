import type { BrokerServices } from '@ottla/broker';
import type { KeyValue } from '@ottla/metadata';
import type { DoorHandlers } from '@ottla/rpc';
import type { Clock, Random, TcpNetwork } from '@ottla/runtime';
import type { StoreListener } from '../store/sim-store';
import type { SimTime } from '../time/sim-time';
import type { PlannedItem, Violation } from './result';

/** What the seed says about the cluster. */
export interface Topology {
  readonly brokers: readonly number[];
  /** Rack of each broker, null where racks aren't told. */
  readonly racks: ReadonlyMap<number, string | null>;
  /** Default `min.insync.replicas` and replication factor of the brokers. */
  readonly minInsyncReplicas: number;
  readonly replicationFactor: number;
  /** What lasting topics are made with, whatever else would be drawn. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** All producers are idempotent, and every other one begins when half of the fault phase is over. */
  readonly latecomers?: boolean;
  /** A topic is deleted and soon made again, whatever else would be drawn. */
  readonly recreates?: boolean;
  /** Virtual milliseconds of the fault phase. */
  readonly faultMs: number;
}

/** The calls of the gRPC door; of its streams, what one entry or one read is. */
export type DoorMethods = Pick<
  DoorHandlers,
  | 'metadata'
  | 'listOffsets'
  | 'initProducerId'
  | 'createTopics'
  | 'deleteTopics'
  | 'createPartitions'
  | 'describeReplicas'
  | 'describeCluster'
  | 'produce'
  | 'fetch'
>;

/** A client's link to the gRPC door of one broker: its handlers, as production has them, behind simulated delays and cuts. */
export interface DoorLink {
  /** Rejects with NETWORK_EXCEPTION when the link or the broker dies, REQUEST_TIMED_OUT after `timeoutMs`, else as the handler does. */
  call<M extends keyof DoorMethods>(
    method: M,
    request: Parameters<DoorMethods[M]>[0],
    timeoutMs: number,
  ): Promise<Awaited<ReturnType<DoorMethods[M]>>>;
}

/** One segment of a replica, byte for byte as on the disk; unsynced writes included. */
export interface SegmentBytes {
  readonly baseOffset: number;
  readonly bytes: Uint8Array;
}

/** A partition's folder on some broker's disk, whether or not the broker runs. */
export interface ReplicaOnDisk {
  readonly broker: number;
  /** Null when the folder doesn't tell. */
  readonly topicId: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly folder: string;
  readonly segments: readonly SegmentBytes[];
}

/** The truth behind the curtain, for internal checkers and for convergence. Nothing here waits or changes anything. */
export interface Inspection {
  /** All keys of the store as it is now, sorted. */
  store(): { readonly revision: number; readonly entries: readonly KeyValue[] };
  /** Tells every revision of the store as it is made. */
  onStore(listener: StoreListener): void;
  /** The parts of a broker that runs, is not paused and serves; null otherwise. */
  live(broker: number): BrokerServices | null;
  /** The replicas on a broker's disk. */
  replicas(broker: number): readonly ReplicaOnDisk[];
  /** Times, up to now, at which this broker's disk lost something that had been written (crashes, empty and old disks, bit rot). */
  dataLosses(broker: number): readonly number[];
}

/** What a workload can reach. */
export interface WorkloadWorld {
  readonly time: SimTime;
  /** A stream of its own, derived from the seed. */
  readonly random: Random;
  readonly topology: Topology;
  readonly brokers: readonly number[];
  /** The TCP port of a client's machine. Its links to brokers fail as others do. */
  tcpFor(client: string): TcpNetwork;
  clockFor(client: string): Clock;
  /** The Kafka addresses of all brokers. */
  bootstrap(): { host: string; port: number }[];
  door(client: string, broker: number): DoorLink;
  readonly inspect: Inspection;
  trace(line: string): void;
  violation(violation: Violation): void;
  /** Counts something rare. */
  count(counter: string): void;
}

/** The clients of a run. */
export interface Workload {
  start(): void;
  /** The faults are over: produce no more, go on consuming to the end. */
  quiesce(): void;
  /** Null once all clients have what they wait for, else what is missing. */
  unfinished(): string | null;
  /** Called once at the end, with everything converged or time over. */
  finish(): readonly Violation[];
}

/** What the clients of a run will do, drawn from the seed; items that are omitted are already marked. */
export interface WorkloadPlan {
  readonly items: readonly PlannedItem[];
}

/** `omit` holds the indexes of items that are to be left out; they still appear in `items`. */
export type DrawWorkload = (random: Random, topology: Topology, omit: ReadonlySet<number>) => WorkloadPlan;
export type CreateWorkload<P extends WorkloadPlan = WorkloadPlan> = (world: WorkloadWorld, plan: P) => Workload;
