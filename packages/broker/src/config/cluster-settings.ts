import { boolean, hostPort, hostPorts, INT_MAX, int, LONG_MAX, list, long, oneOf, optionalText, text } from './kinds';
import { dynamic, setting } from './setting';

const THROTTLED_REPLICAS = 'a list of PARTITION:BROKER, or * for all';
const THROTTLED_REPLICA = /^(\*|\d+:\d+)$/;

/** Who the broker is, where the cluster's metadata lives, and how failures are noticed. */
export const clusterSettings = {
  'node.id': setting(int(null, { min: 0 }), 1, 'Id of this broker. No two brokers of a cluster have the same.'),
  'cluster.id': setting(
    text('1 to 64 letters, digits, dots, dashes or underscores', /^[A-Za-z0-9._-]{1,64}$/),
    'ottla',
    'Name of the cluster. A data directory belongs to one cluster, and brokers of different clusters refuse each other.',
  ),
  'cluster.expected.brokers': setting(
    int('brokers', { min: 1, max: 10000 }),
    1,
    'How many brokers the cluster has when all have started. Topics created by auto-creation, and internal topics, wait for them so that they get their full number of replicas.',
  ),
  'broker.rack': setting(
    optionalText('a name of up to 255 characters', /^.{1,255}$/),
    null,
    'Rack, zone or host group of this broker. Replicas of a partition are spread over racks.',
  ),
  'log.dirs': setting(
    list('one directory', /^.+$/, { min: 1, max: 1 }),
    ['./ottla-data'],
    'Directory that holds the partitions. One directory for now.',
  ),

  'metadata.store': setting(
    oneOf('embedded', 'etcd'),
    'embedded',
    'Where the metadata of the cluster is kept: in the embedded store or in etcd.',
  ),
  'metadata.store.endpoints': setting(
    hostPorts,
    [],
    'Addresses of the metadata store: of etcd, or of an embedded store that runs in another process. Empty with the embedded store: this broker runs it.',
  ),
  'metadata.store.dir': setting(
    optionalText('a directory', /^.+$/),
    null,
    'Directory of the embedded store when this broker runs it. By default `metadata` inside the directory of log.dirs.',
  ),
  'metadata.store.listen': setting(
    hostPort,
    { host: '127.0.0.1', port: 0 },
    'Where the embedded store listens when this broker runs it.',
  ),
  'metadata.store.request.timeout.ms': setting(
    int('ms', { min: 100 }),
    5000,
    'How long one request to the metadata store may take.',
  ),
  'metadata.lease.ttl.ms': setting(
    int('ms', { min: 2000 }),
    10000,
    'Time to live of the lease under which a broker is registered. Failures are normally noticed earlier, by sessions; the lease is the backstop.',
  ),

  'broker.session.timeout.ms': setting(
    int('ms', { min: 500 }),
    3000,
    'A broker from which the controller has not heard for this long is fenced and loses its leaderships.',
  ),
  'broker.heartbeat.interval.ms': setting(
    int('ms', { min: 50 }),
    500,
    'How often a broker tells the controller that it is alive.',
  ),
  'auto.leader.rebalance.enable': setting(
    boolean,
    true,
    'Whether leaderships move back to the preferred leaders, the first of the replicas of each partition, when a broker leads too few of those that prefer it.',
  ),
  'leader.imbalance.check.interval.seconds': setting(
    int('s', { min: 1 }),
    300,
    'How often the controller looks whether leaderships should move back to the preferred leaders.',
  ),
  'leader.imbalance.per.broker.percentage': setting(
    int('percent', { min: 0, max: 100 }),
    10,
    'Of the partitions that prefer a broker as leader, how many percent others may lead before they are moved back.',
  ),
  'controlled.shutdown.timeout.ms': setting(
    int('ms', { min: 0 }),
    10000,
    'How long a broker that shuts down waits until its leaderships have moved and its replies have left.',
  ),

  'replica.lag.time.max.ms': setting(
    int('ms', { min: 100 }),
    10000,
    'A follower that has not caught up with its leader for this long leaves the ISR.',
  ),
  'replica.fetch.max.bytes': setting(
    int('bytes', { min: 1024 }),
    4194304,
    'How many bytes of a partition a leader may have on their way to a follower before the follower has written them.',
  ),
  'leader.replication.throttled.rate': dynamic(
    setting(
      long('bytes/s', { min: 0 }),
      LONG_MAX,
      'How fast this broker, as leader, sends to followers that are not in sync, of the replicas in leader.replication.throttled.replicas.',
    ),
  ),
  'follower.replication.throttled.rate': dynamic(
    setting(
      long('bytes/s', { min: 0 }),
      LONG_MAX,
      'How fast this broker, as follower that is not in sync, takes records in, for the replicas in follower.replication.throttled.replicas.',
    ),
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': dynamic(
    setting(
      long('bytes/s', { min: 1 }),
      LONG_MAX,
      'How fast replicas move between the directories of this broker. With one directory none does.',
      'not acted on yet',
    ),
  ),
  'leader.replication.throttled.replicas': setting(
    list(THROTTLED_REPLICAS, THROTTLED_REPLICA),
    [],
    'Leaders to which leader.replication.throttled.rate applies. Default for topics.',
  ),
  'follower.replication.throttled.replicas': setting(
    list(THROTTLED_REPLICAS, THROTTLED_REPLICA),
    [],
    'Followers to which follower.replication.throttled.rate applies. Default for topics.',
  ),
  'replica.selector.class': setting(
    optionalText(
      'org.apache.kafka.common.replica.RackAwareReplicaSelector or ...LeaderSelector',
      /^org\.apache\.kafka\.common\.replica\.(RackAwareReplicaSelector|LeaderSelector)$/,
    ),
    null,
    'Which replica consumers fetch from, by the name that Apache Kafka has for it: with RackAwareReplicaSelector one in sync and in the rack that the consumer names (client.rack, KIP-392), otherwise the leader.',
  ),
  'replica.high.watermark.checkpoint.interval.ms': setting(
    int('ms', { min: 100 }),
    5000,
    'How often high watermarks are written to disk.',
  ),
  'unclean.leader.election.enable': dynamic(
    setting(
      boolean,
      false,
      'Whether a replica that may lack acknowledged records can be elected when no other is left. Default for topics.',
    ),
    'cluster-wide',
  ),
  'min.insync.replicas': dynamic(
    setting(
      int('replicas', { min: 1 }),
      1,
      'How many replicas must be in sync for acks=all to be accepted. Default for topics.',
    ),
    'cluster-wide',
  ),
  'default.replication.factor': setting(
    int('replicas', { min: 1, max: 32767 }),
    3,
    'Replicas of topics that are created without a replication factor; no more than the cluster has brokers.',
  ),
  'num.partitions': setting(
    int('partitions', { min: 1, max: 10000 }),
    1,
    'Partitions of topics created without a number of partitions.',
  ),
  'auto.create.topics.enable': setting(
    boolean,
    true,
    'Whether asking for the metadata of a topic that does not exist creates it (when the client allows it too).',
  ),
  'topic.creation.timeout.ms': setting(
    int('ms', { min: 100 }),
    10000,
    'How long auto-creation and the creation of internal topics wait for the expected brokers and for leaders.',
  ),
  'producer.id.expiration.ms': dynamic(
    setting(
      int('ms', { min: 1 }),
      86400000,
      'How long the sequence numbers of an idempotent producer that stopped writing are remembered.',
    ),
  ),
  'partition.max.pending.produces': setting(
    int('requests', { min: 1 }),
    10000,
    'How many produce requests of one partition may wait to be written or replicated; further ones are refused with a retriable error.',
  ),

  'logging.level': setting(oneOf('error', 'warn', 'info', 'debug'), 'info', 'Least severe level that is logged.'),
  'logging.format': setting(oneOf('text', 'json'), 'text', 'Log lines for people, or one JSON object a line.'),
};

/** Consumer groups and their internal topic. */
export const groupSettings = {
  'group.min.session.timeout.ms': setting(
    int('ms', { min: 1 }),
    6000,
    'Shortest session timeout that a member of a consumer group may ask for.',
  ),
  'group.max.session.timeout.ms': setting(
    int('ms', { min: 1 }),
    1800000,
    'Longest session timeout that a member of a consumer group may ask for.',
  ),
  'group.initial.rebalance.delay.ms': setting(
    int('ms', { min: 0 }),
    500,
    'How long the first rebalance of an empty group waits for more members.',
  ),
  'group.max.size': setting(int('members', { min: 1 }), INT_MAX, 'Most members that one consumer group may have.'),
  'offsets.retention.minutes': setting(
    int('minutes', { min: 1 }),
    10080,
    'How long committed offsets are kept after their group became empty.',
  ),
  'offsets.retention.check.interval.ms': setting(
    int('ms', { min: 1 }),
    600000,
    'How often committed offsets are checked for their age.',
  ),
  'offset.metadata.max.bytes': setting(
    int('bytes', { min: 0 }),
    4096,
    'Most bytes of metadata that may be committed with an offset.',
  ),
  'offsets.topic.num.partitions': setting(
    int('partitions', { min: 1, max: 10000 }),
    16,
    'Partitions of __consumer_offsets. Read when the topic is created; never changes afterwards.',
  ),
  'offsets.topic.replication.factor': setting(
    int('replicas', { min: 1, max: 32767 }),
    3,
    'Replicas of __consumer_offsets; no more than the cluster has brokers.',
  ),
  'offsets.topic.segment.bytes': setting(
    int('bytes', { min: 64 }),
    104857600,
    'Segment size of __consumer_offsets: small, so that compaction and loading stay fast.',
  ),
  'offsets.load.buffer.size': setting(
    int('bytes', { min: 1024 }),
    5242880,
    'Bytes read at a time when a coordinator loads a partition of __consumer_offsets.',
  ),
  'offsets.commit.timeout.ms': setting(
    int('ms', { min: 1 }),
    5000,
    'How long a commit waits until all replicas in sync have it.',
  ),
};
