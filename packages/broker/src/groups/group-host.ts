import {
  type GroupApi,
  GroupCoordinator,
  type GroupCoordinatorOptions,
  type GroupRequestInput,
  type GroupResponses,
  partitionForGroup,
} from '@ottla/groups';
import type { ClusterImage, ImageTracker } from '@ottla/metadata';
import { type Clock, type Codecs, Deferred, type Logger, type Random, type Timer } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import type { GroupRequest, Groups, LocalPartition, Partitions } from '../services';
import { GroupTime } from './group-time';
import { HostedCoordinator } from './hosted-coordinator';
import { type Coordinating, listEverywhere, splitByCoordinator } from './split';

export interface GroupHostOptions {
  readonly self: { readonly broker: number; readonly run: string };
  readonly config: BrokerConfig;
  readonly partitions: Partitions;
  readonly tracker: Pick<ImageTracker, 'image' | 'onChange'>;
  readonly codecs: Codecs;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Arrival {
  readonly promise: Promise<void>;
  end(): void;
}

const OFFSETS_TOPIC = '__consumer_offsets';
const REPLACE_DELAY_MS = 1_000;
/** How long a request waits for a leadership that this broker has been given and not taken up yet. */
const TAKE_UP_MS = 2_000;

/** The group coordinators on this broker: one for each partition of `__consumer_offsets` that it leads. */
export class GroupHost implements Groups {
  private readonly coordinators = new Map<number, HostedCoordinator>();
  private readonly settings: GroupCoordinatorOptions;
  private readonly time: GroupTime;
  /** Answers NOT_COORDINATOR, in each API's own form, for groups that are coordinated elsewhere. */
  private readonly nowhere: GroupCoordinator;
  private readonly stops: (() => void)[];
  private readonly pauses = new Set<Timer>();
  /** By partition: requests that wait for a coordinator that is about to be there. */
  private readonly arrivals = new Map<number, Arrival>();
  private closed = false;

  constructor(private readonly options: GroupHostOptions) {
    const { config, partitions, tracker, clock } = options;
    this.settings = settingsOf(config);
    this.time = new GroupTime(clock);
    this.nowhere = new GroupCoordinator(this.settings, -1);
    this.nowhere.step(this.time.now(), { type: 'unload' });
    this.stops = [
      partitions.onRoleChange((partition) => this.follow(partition)),
      tracker.onChange((image, delta) => this.onTopicsChanged(image, delta.topics)),
    ];
    for (const partition of partitions.led()) this.follow(partition);
  }

  handle<A extends GroupApi>(api: A, request: GroupRequest<A>): Promise<GroupResponses[A]> {
    if (api === 'ListGroups') {
      const asked = [...this.coordinators.values()].map((coordinator) => this.coordinating(coordinator));
      return listEverywhere(asked, request as GroupRequest<'ListGroups'>) as Promise<GroupResponses[A]>;
    }
    return splitByCoordinator(api, request, (groupId) => this.coordinatorOf(groupId));
  }

  /** Answers what waits and stops following the partitions. */
  close(): void {
    this.closed = true;
    for (const stop of this.stops) stop();
    for (const pause of this.pauses) pause.cancel();
    for (const coordinator of this.coordinators.values()) coordinator.unload();
    this.coordinators.clear();
    for (const arrival of [...this.arrivals.values()]) arrival.end();
  }

  /** Goes with the leadership of a partition: another epoch is another coordinator. */
  private follow(partition: LocalPartition): void {
    if (partition.topic !== OFFSETS_TOPIC || this.closed) return;
    const current = this.coordinators.get(partition.partition);
    if (partition.isLeader && current?.epoch === partition.leaderEpoch) return;
    if (current !== undefined) {
      this.coordinators.delete(partition.partition);
      current.unload();
    }
    if (partition.isLeader) this.coordinate(partition);
  }

  private coordinate(partition: LocalPartition): void {
    const { config, clock, random, codecs, logger } = this.options;
    const coordinator = new HostedCoordinator({
      partition,
      settings: this.settings,
      loadBytes: config['offsets.load.buffer.size'],
      commitTimeoutMs: config['offsets.commit.timeout.ms'],
      clock,
      time: this.time,
      random,
      codecs,
      logger,
      onBroken: (broken) => this.replace(broken, partition),
    });
    this.coordinators.set(partition.partition, coordinator);
    void coordinator.start();
    this.arrivals.get(partition.partition)?.end();
  }

  /** After a pause, so that what broke it can't keep the broker busy. */
  private replace(broken: HostedCoordinator, partition: LocalPartition): void {
    if (this.coordinators.get(partition.partition) !== broken) return;
    this.coordinators.delete(partition.partition);
    const timer = this.options.clock.after(REPLACE_DELAY_MS, () => {
      this.pauses.delete(timer);
      this.follow(partition);
    });
    this.pauses.add(timer);
  }

  private onTopicsChanged(image: ClusterImage, changed: readonly string[]): void {
    const deleted = changed.filter((name) => !image.topics.has(name));
    if (deleted.length === 0) return;
    for (const coordinator of this.coordinators.values()) coordinator.onTopicsDeleted(deleted);
  }

  private coordinatorOf(groupId: string): Coordinating | Promise<Coordinating> {
    const { image } = this.options.tracker;
    const topic = image.topics.get(OFFSETS_TOPIC)?.value;
    if (topic === undefined) return this.elsewhere();
    const partition = partitionForGroup(groupId, topic.partitions);
    const coordinator = this.coordinators.get(partition);
    if (coordinator !== undefined) return this.coordinating(coordinator);
    const leader = image.partitions.get(topic.topicId)?.get(partition)?.value.leader;
    const { broker, run } = this.options.self;
    return leader?.broker === broker && leader.run === run ? this.arrivalOf(partition) : this.elsewhere();
  }

  /** This broker was given the partition and its replica has not followed yet: a moment's wait saves the client a search. */
  private arrivalOf(partition: number): Promise<Coordinating> {
    const waiting = this.arrivals.get(partition) ?? this.newArrival(partition);
    return waiting.promise.then(() => {
      const coordinator = this.coordinators.get(partition);
      return coordinator === undefined ? this.elsewhere() : this.coordinating(coordinator);
    });
  }

  private newArrival(partition: number): Arrival {
    const arrived = new Deferred<void>();
    const end = (): void => {
      timer.cancel();
      this.arrivals.delete(partition);
      arrived.resolve();
    };
    const timer = this.options.clock.after(TAKE_UP_MS, end);
    const arrival = { promise: arrived.promise, end };
    this.arrivals.set(partition, arrival);
    return arrival;
  }

  private coordinating(coordinator: HostedCoordinator): Coordinating {
    return { key: coordinator, request: (api, request) => coordinator.request(api, request) };
  }

  private elsewhere(): Coordinating {
    return {
      key: null,
      request: async (api, { version, clientId, clientHost, body }) => {
        const context = { requestId: 0, version, clientId, clientHost, memberIdSeed: '' };
        const input = { type: 'request', api, body, ...context } as unknown as GroupRequestInput;
        const [reply] = this.nowhere.step(this.time.now(), input);
        if (reply?.type !== 'reply') throw new Error(`${api}: an unloaded coordinator did not answer`);
        return reply.body as GroupResponses[typeof api];
      },
    };
  }
}

function settingsOf(config: BrokerConfig): GroupCoordinatorOptions {
  return {
    groupMinSessionTimeoutMs: config['group.min.session.timeout.ms'],
    groupMaxSessionTimeoutMs: config['group.max.session.timeout.ms'],
    groupInitialRebalanceDelayMs: config['group.initial.rebalance.delay.ms'],
    offsetsRetentionMs: config['offsets.retention.minutes'] * 60_000,
    offsetsRetentionCheckIntervalMs: config['offsets.retention.check.interval.ms'],
    groupMaxSize: config['group.max.size'],
    offsetMetadataMaxBytes: config['offset.metadata.max.bytes'],
  };
}
