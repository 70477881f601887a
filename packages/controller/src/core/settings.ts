/** What a topic gets when neither the request nor its own configs say otherwise. */
export interface TopicDefaults {
  /** `num.partitions`. */
  readonly partitions: number;
  /** `default.replication.factor`. */
  readonly replicationFactor: number;
  /** `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
  /** `unclean.leader.election.enable`. */
  readonly uncleanLeaderElection: boolean;
}

/** How long membership and its failure detection wait, in milliseconds. */
export interface MembershipTimings {
  /** `broker.session.timeout.ms`: a broker not heard for so long is fenced. */
  readonly sessionTimeoutMs: number;
  /** `broker.heartbeat.interval.ms`: a broker sends the controller a heartbeat this often. */
  readonly heartbeatIntervalMs: number;
  /** TTL of the lease under which a broker's registration and controller claim exist. */
  readonly leaseTtlMs: number;
  /** How long a raw connect waits for an answer. */
  readonly probeTimeoutMs: number;
  /** For how long after a wrong guess a run is judged by silence alone. */
  readonly distrustMs: number;
  /** Age at which what an unfinished topic creation left is removed. */
  readonly leftoverAgeMs: number;
  /** After a restore of the store: how long to wait for what brokers that are away hold. */
  readonly restoreGraceMs: number;
}

export const DEFAULT_TIMINGS: MembershipTimings = {
  sessionTimeoutMs: 3_000,
  heartbeatIntervalMs: 500,
  leaseTtlMs: 6_000,
  probeTimeoutMs: 250,
  distrustMs: 600_000,
  leftoverAgeMs: 600_000,
  restoreGraceMs: 30_000,
};

/** Moving leaderships back to the preferred leaders, the first of each assignment. */
export interface LeaderBalanceSettings {
  /** `auto.leader.rebalance.enable`. */
  readonly enabled: boolean;
  /** `leader.imbalance.check.interval.seconds`, in milliseconds. */
  readonly checkIntervalMs: number;
  /**
   * `leader.imbalance.per.broker.percentage`: of the partitions that prefer a broker, how many percent others may lead
   * before they are moved back.
   */
  readonly perBrokerPercentage: number;
}

export const DEFAULT_LEADER_BALANCE: LeaderBalanceSettings = {
  enabled: true,
  checkIntervalMs: 300_000,
  perBrokerPercentage: 10,
};
