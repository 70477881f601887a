/** Fields of a stored value that this version doesn't know; carried along when it's written again. */
export type Extra = Readonly<Record<string, unknown>>;

/** Which history of the store this is. Written when a cluster is created, raised by one after a restore. */
export interface GenerationRecord {
  readonly version: 1;
  readonly clusterId: string;
  /** From 1. */
  readonly generation: number;
  readonly extra?: Extra;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface ListenerEndpoint extends Endpoint {
  /** Kafka's listener name, e.g. `PLAINTEXT`. */
  readonly listener: string;
}

/** A live broker; exists under its lease. */
export interface BrokerRegistration {
  readonly version: 1;
  readonly broker: number;
  /** Drawn at each process start. */
  readonly run: string;
  /** One for each of its log directories. */
  readonly logIds: string[];
  readonly state: 'active' | 'draining';
  readonly rack: string | null;
  /** Addresses for Kafka clients. */
  readonly kafka: ListenerEndpoint[];
  /** Address for gRPC clients. */
  readonly grpc: Endpoint;
  /** Address for other brokers (gRPC). */
  readonly peer: Endpoint;
  /** Wall clock, ms. */
  readonly startedAt: number;
  readonly extra?: Extra;
}

/** In which run a broker registered last; stays when its registration ends. Brokers read it at their start only. */
export interface LastRunRecord {
  readonly version: 1;
  readonly broker: number;
  readonly run: string;
  /** How many starts of the broker have registered, this one included. */
  readonly starts: number;
  readonly extra?: Extra;
}

/** Who leads the cluster; exists under its lease. */
export interface ControllerClaim {
  readonly version: 1;
  readonly broker: number;
  readonly run: string;
  /** Grows by one at each claim. */
  readonly epoch: number;
  readonly extra?: Extra;
}

export interface TopicRecord {
  readonly version: 1;
  readonly name: string;
  readonly topicId: string;
  readonly partitions: number;
  /** Overrides only, by Kafka's names. */
  readonly configs: Record<string, string>;
  readonly internal: boolean;
  readonly extra?: Extra;
}

/** A deleted topic whose replicas still exist somewhere. Complete, and removed, when `brokers` is empty. */
export interface DeletionRecord {
  readonly version: 1;
  readonly topicId: string;
  readonly name: string;
  readonly partitions: number;
  /** Brokers that have not yet said that they deleted their replicas. */
  readonly brokers: number[];
  readonly extra?: Extra;
}

/** How far producer ids have been handed out, in blocks. */
export interface ProducerIdsRecord {
  readonly version: 1;
  /** First id that no broker owns. A broker takes [next, next + n) by raising it, guarded by the mod revision. */
  readonly nextProducerId: number;
  /** Who took the last block. */
  readonly broker: number;
  readonly run: string;
  readonly extra?: Extra;
}

/** Dynamic settings of a resource that has no record of its own, such as brokers. */
export interface ConfigRecord {
  readonly version: 1;
  readonly configs: Record<string, string>;
  readonly extra?: Extra;
}
