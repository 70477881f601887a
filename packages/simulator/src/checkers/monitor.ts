import type { KeyValue } from '@ottla/metadata';
import { lastOffset } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import type { Clock } from '@ottla/runtime';
import type { History } from '../history/history';
import type { Violation } from '../run/result';
import type { WorkloadWorld } from '../run/workload-world';
import { AcknowledgedEnds } from './acknowledged-ends';
import { Exemptions } from './exemptions';
import { candidatesHoldEverything } from './inside/candidates';
import type { ReplicaSample } from './inside/cluster-sample';
import { groupLogForward } from './inside/group-log';
import { imageEqualsStore } from './inside/images';
import { keptFolders } from './inside/kept-folders';
import { batchesOf } from './inside/replica-logs';
import { type ReplicaLog, replicasAgree } from './inside/replicas-agree';
import { uncleanElections } from './inside/unclean-elections';
import { checkHistory } from './outside';
import { TruthLog } from './truth-log';

/** How soon replicas are looked at after the store changed, in ms, and how often otherwise. */
const LOOK_MS = 10;
const SAMPLE_MS = 60;
/** How often logs on disks are compared, in ms. */
const COMPARE_MS = 2_500;
const OFFSETS_TOPIC = '__consumer_offsets';
const DEFAULT_EXPIRATION_MS = 86_400_000;
/** A cause makes many messages: so many of one kind are told. */
const MOST_OF_A_KIND = 3;
/** Leader epochs that a healing cluster may begin: for each partition, and besides. */
const EPOCHS_PER_PARTITION = 8;
const EPOCHS_BESIDES = 20;

/** Watches a run: keeps what the store held, samples replicas, and at the end has everything checked. */
export class Monitor {
  private readonly truth = new TruthLog();
  private readonly acknowledged: AcknowledgedEnds;
  private readonly foldersAtRestore = new Set<string>();
  private readonly told = new Map<string, number>();
  private exemptions: Exemptions;
  /** How far the fastest clock of a broker has been ahead of the clients'. */
  private clocksAheadMs = 0;
  private readonly clock: Clock;
  private expirationMs = DEFAULT_EXPIRATION_MS;
  private losses = 0;
  private changes = 0;
  private sampledAt = 0;
  private comparedAt = 0;
  private epochsAtHealing = 0;
  private epochsWhenConverged: number | null = null;

  constructor(
    private readonly world: WorkloadWorld,
    private readonly history: History,
  ) {
    this.acknowledged = new AcknowledgedEnds(history);
    this.clock = world.clockFor('monitor');
    this.exemptions = new Exemptions(this.truth);
  }

  start(): void {
    const { inspect } = this.world;
    inspect.onStore({
      onRevision: ({ at, events }) => this.truth.onRevision(at, events),
      onRestored: (at, _revision, entries) => this.onRestored(at, entries),
    });
    this.lookAgain();
  }

  private onRestored(at: number, entries: readonly KeyValue[]): void {
    const { inspect, brokers } = this.world;
    this.truth.onRestored(at, entries);
    this.foldersAtRestore.clear();
    for (const broker of brokers) {
      for (const { topicId, partition } of inspect.replicas(broker)) {
        this.foldersAtRestore.add(`${broker} ${topicId}/${partition}`);
      }
    }
  }

  private lookAgain(): void {
    this.world.time.after(LOOK_MS, () => {
      this.look();
      this.lookAgain();
    });
  }

  onHealing(): void {
    this.look();
    this.epochsAtHealing = this.truth.epochs;
  }

  /** Everything is as it should be: from here on nothing may change. */
  onConverged(): void {
    this.look();
    this.epochsWhenConverged ??= this.truth.epochs;
  }

  finish(): readonly Violation[] {
    this.look();
    const { history, exemptions, truth } = this;
    const producerExpirationMs = this.expirationMs - this.clocksAheadMs;
    const found = [
      ...this.compareDisks(),
      ...this.compareImages(),
      ...uncleanElections(truth),
      ...this.compareFolders(),
      ...checkHistory({ history, exemptions, truth, producerExpirationMs }),
      ...this.elections(),
    ];
    return found.filter((violation) => this.isWorthTelling(violation));
  }

  private look(): void {
    const { world, truth } = this;
    const now = world.time.now();
    const losses = this.readLosses();
    const news = truth.changes !== this.changes || losses !== this.losses;
    if (news) {
      this.changes = truth.changes;
      this.losses = losses;
      this.exemptions = new Exemptions(truth);
      this.acknowledged.exemptionsChanged();
    }
    if (news || now - this.sampledAt >= SAMPLE_MS) this.sample(now);
    if (now - this.comparedAt < COMPARE_MS) return;
    this.comparedAt = now;
    for (const violation of [...this.compareDisks(), ...this.compareImages()]) this.tell(violation);
  }

  private readLosses(): number {
    let count = 0;
    for (const broker of this.world.brokers) {
      const losses = this.world.inspect.dataLosses(broker);
      this.truth.losses.set(broker, losses);
      count += losses.length;
    }
    return count;
  }

  private sample(at: number): void {
    const { truth, exemptions } = this;
    this.sampledAt = at;
    for (const [key, versions] of truth.partitions) {
      const record = versions.at(-1)?.value ?? null;
      // What a backup says of who is in sync is out of date until it is written anew.
      const outdated = exemptions
        .of(key)
        .some(({ why, epoch }) => why === 'restored' && (record?.leaderEpoch ?? 0) < epoch);
      if (record === null || outdated) continue;
      const acknowledgedEnd = this.acknowledged.of(key, exemptions);
      const sample = { at, name: key, record, acknowledgedEnd, replicas: this.replicasOf(key, record) };
      for (const violation of candidatesHoldEverything(sample)) this.tell(this.named(violation, key));
    }
  }

  private replicasOf(key: string, record: PartitionRecord): ReplicaSample[] {
    const [topicId, partition] = splitKey(key);
    const coordinates = this.truth.topicNamed(topicId) === OFFSETS_TOPIC;
    return record.replicas.flatMap((broker): ReplicaSample[] => {
      const services = this.world.inspect.live(broker);
      const heard = coordinates ? services?.image().partitions.get(topicId)?.get(partition) : undefined;
      if (heard !== undefined) this.truth.hear(this.sampledAt, broker, key, heard.value.leaderEpoch);
      const registration = this.truth.registrations.get(broker)?.at(-1)?.value;
      const replica = services?.partitions.get(topicId, partition);
      if (services == null || registration?.run !== services.self.run || replica == null) return [];
      this.expirationMs = services.config['producer.id.expiration.ms'];
      this.clocksAheadMs = Math.max(this.clocksAheadMs, services.clock.wall() - this.clock.wall());
      const { isLeader, leaderEpoch, logEnd, highWatermark } = replica;
      return [{ broker, logIds: registration.logIds, isLeader, leaderEpoch, logEnd, highWatermark }];
    });
  }

  private compareDisks(): Violation[] {
    const { inspect, brokers, time } = this.world;
    const byPartition = new Map<string, ReplicaLog[]>();
    const violations: Violation[] = [];
    for (const broker of brokers) {
      const services = inspect.live(broker);
      for (const { topicId, topic, partition, segments } of inspect.replicas(broker)) {
        if (topicId === null) continue;
        const local = services?.partitions.get(topicId, partition) ?? null;
        const batches = batchesOf(segments);
        const committed = local === null ? [] : batches.filter(({ header }) => lastOffset(header) < local.logEnd);
        const key = `${topicId}/${partition}`;
        const list = byPartition.get(key) ?? [];
        byPartition.set(key, list);
        list.push({ broker, highWatermark: local?.highWatermark ?? 0, batches: committed });
        const exempt = this.exemptions.of(key).length > 0;
        if (topic !== OFFSETS_TOPIC || exempt) continue;
        violations.push(...groupLogForward(time.now(), `${topic}-${partition} of broker ${broker}`, committed));
      }
    }
    for (const [key, logs] of byPartition) {
      const exempt = this.exemptions.of(key).some(({ at }) => at >= time.now() - SETTLING_MS);
      if (!exempt) violations.push(...replicasAgree(time.now(), this.nameOf(key), logs));
    }
    return violations;
  }

  private compareFolders(): Violation[] {
    const { inspect, time } = this.world;
    return keptFolders(time.now(), this.truth.partitions, {
      topicNamed: (topicId) => this.truth.topicNamed(topicId),
      folders: (broker) => inspect.replicas(broker),
      hadFolder: (broker, topicId, partition) => this.foldersAtRestore.has(`${broker} ${topicId}/${partition}`),
      lostData: (broker) => inspect.dataLosses(broker).length > 0,
    });
  }

  private compareImages(): Violation[] {
    const { truth } = this;
    const { inspect, brokers, time } = this.world;
    const store = inspect.store();
    return brokers.flatMap((broker) => {
      const image = inspect.live(broker)?.image();
      // Until a new generation begins an image may be of the history that was lost, at a revision of the same number.
      const lost = (image?.generation?.value.generation ?? 0) <= (truth.restoredGeneration ?? -1);
      return image === undefined || lost ? [] : imageEqualsStore(time.now(), broker, image, store);
    });
  }

  private elections(): Violation[] {
    const { truth, world } = this;
    const at = world.time.now();
    const invariant = '9 quiet';
    const violations: Violation[] = [];
    const healing = truth.epochs - this.epochsAtHealing;
    const most = EPOCHS_PER_PARTITION * truth.partitions.size + EPOCHS_BESIDES;
    if (healing > most) {
      const message = `${healing} leader epochs began after the last fault, ${most} would be many`;
      violations.push({ invariant, at, message });
    }
    const since = truth.epochs - (this.epochsWhenConverged ?? truth.epochs);
    if (since > 0) violations.push({ invariant, at, message: `${since} leader epochs began after all was well` });
    return violations;
  }

  private nameOf(key: string): string {
    const [topicId, partition] = splitKey(key);
    return `${this.truth.topicNamed(topicId) ?? topicId}-${partition}`;
  }

  private named(violation: Violation, key: string): Violation {
    return { ...violation, message: violation.message.replace(key, this.nameOf(key)) };
  }

  private tell(violation: Violation): void {
    if (this.isWorthTelling(violation)) this.world.violation(violation);
  }

  private isWorthTelling({ invariant }: Violation): boolean {
    const count = (this.told.get(invariant) ?? 0) + 1;
    this.told.set(invariant, count);
    return count <= MOST_OF_A_KIND;
  }
}

/** How long after an unclean election replicas may still hold what the new leader hasn't. */
const SETTLING_MS = 20_000;

function splitKey(key: string): [topicId: string, partition: number] {
  const [topicId, partition] = key.split('/') as [string, string];
  return [topicId, Number(partition)];
}
