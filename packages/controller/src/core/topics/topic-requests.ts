/** Brokers of each partition, in order of preference as leader; partitions count from 0 without gaps. */
export type Assignments = ReadonlyMap<number, readonly number[]>;

export interface CreateTopicRequest {
  readonly name: string;
  /** -1 for `num.partitions`. Must be -1 when `assignments` are given. */
  readonly partitions: number;
  /** -1 for `default.replication.factor`. Must be -1 when `assignments` are given. */
  readonly replicationFactor: number;
  readonly assignments?: Assignments;
  readonly configs?: Readonly<Record<string, string>>;
  readonly internal?: boolean;
}

export interface CreatePartitionsRequest {
  readonly name: string;
  /** How many partitions the topic shall have, those that it has included. */
  readonly count: number;
  /** Of the new partitions, in order. */
  readonly assignments?: readonly (readonly number[])[];
}

/** A topic by its name or its id. */
export type TopicReference = { readonly name: string } | { readonly topicId: string };

/** @throws OttlaError INVALID_CONFIG naming the setting, its value and what is allowed. */
export type ConfigValidator = (configs: Readonly<Record<string, string>>) => void;

/** From a resource's overrides as they are to what they shall be. Called again when they changed meanwhile. */
export type ConfigEdit = (present: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
