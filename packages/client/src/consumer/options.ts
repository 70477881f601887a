/** Where to begin: an offset, the first or the next record, or the first record at or after a time (ms since 1970). */
export type StartOffset = number | 'earliest' | 'latest' | { readonly timestamp: number };

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Default 'earliest'. */
  readonly offset?: StartOffset;
}

export interface ConsumerOptions {
  readonly partitions: readonly AssignedPartition[];
  /** Ends at the records that are there at the beginning, instead of waiting for more. Default false. */
  readonly untilEnd?: boolean;
  /** Only records of committed transactions. Default false. */
  readonly readCommitted?: boolean;
  /** What to do when the offset is not in the log (any more). Default 'none': the iteration fails. */
  readonly autoOffsetReset?: 'none' | 'earliest' | 'latest';
  /** How much is fetched ahead of the application, in bytes, all partitions together. Default 33,554,432. */
  readonly prefetchBytes?: number;
  /** Largest piece fetched at once, in bytes; a larger batch comes alone. Default 1,048,576. */
  readonly maxPartitionFetchBytes?: number;
  /** How long a partition may be unavailable before the iteration fails, in ms. Default 60,000. */
  readonly retryTimeoutMs?: number;
  /** Ends the iteration with its reason. */
  readonly signal?: AbortSignal;
}

export type ConsumerSettings = Required<Omit<ConsumerOptions, 'partitions' | 'signal'>>;

export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  return {
    untilEnd: options.untilEnd ?? false,
    readCommitted: options.readCommitted ?? false,
    autoOffsetReset: options.autoOffsetReset ?? 'none',
    prefetchBytes: options.prefetchBytes ?? 33_554_432,
    maxPartitionFetchBytes: options.maxPartitionFetchBytes ?? 1_048_576,
    retryTimeoutMs: options.retryTimeoutMs ?? 60_000,
  };
}
