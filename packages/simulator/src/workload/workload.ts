import type { Random } from '@ottla/runtime';
import { Monitor } from '../checkers/monitor';
import { Recorder } from '../history/recorder';
import type { Violation } from '../run/result';
import type { Workload, WorkloadWorld } from '../run/workload-world';
import { RandomStreams } from '../time/streams';
import type { Actor, ActorContext } from './actor';
import { Administrator } from './admin/administrator';
import { DoorConsumer } from './door/door-consumer';
import { doorProducer } from './door/door-producer';
import { GroupAuditor } from './groups/group-auditor';
import { GroupMember } from './groups/group-member';
import { GroupProgress } from './groups/group-progress';
import type { ActorPlan, ClientsPlan } from './plan/draw';
import { kafkaProducer } from './producers/kafka-producer';
import { OffsetProber } from './readers/offset-prober';
import { PlainConsumer } from './readers/plain-consumer';
import { ReadBackConsumer } from './readers/read-back';

const ADMIN_PATIENCE_MS = 4_000;
const AUDIT_MS = 300;

/** The clients of a run, and those who check what they see. */
export function createWorkload(world: WorkloadWorld, plan: ClientsPlan): Workload {
  return new Clients(world, plan);
}

class Clients implements Workload {
  private readonly recorder: Recorder;
  private readonly streams: RandomStreams;
  private readonly actors: Actor[] = [];
  private readonly consumers: PlainConsumer[] = [];
  private readonly members: GroupMember[] = [];
  private readonly progress: readonly GroupProgress[];
  private readonly monitor: Monitor;
  private readBack: ReadBackConsumer | null = null;
  private lastId = 0;

  constructor(
    private readonly world: WorkloadWorld,
    private readonly plan: ClientsPlan,
  ) {
    this.recorder = new Recorder(
      () => world.time.now(),
      (line) => world.trace(line),
    );
    this.streams = new RandomStreams(world.random.below(2 ** 32));
    this.monitor = new Monitor(world, this.recorder.events);
    this.progress = plan.groups
      .filter(({ group }) => this.isThere(group))
      .map(({ group, topics }) => new GroupProgress(group, topics));
    for (const { actor, kind, index, omitted } of plan.items) {
      if (!omitted) this.actors.push(this.create(actor, this.context(`${kind}-${index}`)));
    }
    this.actors.push(new GroupAuditor(this.context('auditor'), this.progress, AUDIT_MS));
  }

  start(): void {
    this.monitor.start();
    for (const actor of this.actors) actor.start();
  }

  quiesce(): void {
    this.monitor.onHealing();
    for (const actor of this.actors) actor.quiesce();
  }

  unfinished(): string | null {
    for (const actor of this.actors) {
      const missing = actor.unfinished();
      if (missing !== null) return missing;
    }
    this.readBack ??= this.openReadBack();
    const missing = this.readBack.unfinished() ?? this.behind();
    if (missing === null) this.monitor.onConverged();
    return missing;
  }

  finish(): readonly Violation[] {
    return this.monitor.finish();
  }

  private isThere(group: string): boolean {
    return this.plan.items.some(
      ({ actor, omitted }) =>
        !omitted &&
        actor.kind === 'group-member' &&
        actor.settings.group === group &&
        actor.settings.lives.some(({ toMs }) => !Number.isFinite(toMs)),
    );
  }

  private openReadBack(): ReadBackConsumer {
    const readBack = new ReadBackConsumer(this.context('read-back'), this.plan.topics);
    readBack.start();
    return readBack;
  }

  /** Which consumer hasn't come to the end of what there is to read. */
  private behind(): string | null {
    for (const { name, readers } of this.consumers) {
      for (const reader of readers) {
        const end = this.readBack!.endOf(reader.topic, reader.partition);
        if (end === null || (reader.position !== null && reader.position >= end)) continue;
        return `${name} has read ${reader.topic}-${reader.partition} up to ${reader.position}, not ${end}`;
      }
    }
    for (const progress of this.progress) {
      const missing = progress.missing((topic, partition) => this.readBack!.endOf(topic, partition));
      if (missing !== null) return [missing, ...this.members.map((member) => member.describe())].join('; ');
    }
    return null;
  }

  private create(plan: ActorPlan, context: ActorContext): Actor {
    switch (plan.kind) {
      case 'topic': {
        const task = { kind: 'create', topic: plan.settings } as const;
        const patienceMs = plan.settings.lasting ? Number.POSITIVE_INFINITY : ADMIN_PATIENCE_MS;
        return new Administrator(context, { task, atMs: 0, patienceMs });
      }
      case 'admin':
        return new Administrator(context, { ...plan.settings, patienceMs: ADMIN_PATIENCE_MS });
      case 'producer':
        return kafkaProducer(context, plan.settings);
      case 'door-producer':
        return doorProducer(context, plan.settings);
      case 'consumer': {
        const consumer = new PlainConsumer(context, plan.settings);
        this.consumers.push(consumer);
        return consumer;
      }
      case 'door-consumer':
        return new DoorConsumer(context, plan.settings);
      case 'prober':
        return new OffsetProber(context, plan.settings);
      case 'group-member': {
        const { group, topics } = plan.settings;
        const progress = this.progress.find((one) => one.group === group) ?? new GroupProgress(group, topics);
        const member = new GroupMember(context, plan.settings, progress);
        this.members.push(member);
        return member;
      }
    }
  }

  private context(name: string): ActorContext {
    const { world } = this;
    const random: Random = this.streams.of(name);
    return {
      ...{ name, random, recorder: this.recorder, brokers: world.brokers },
      clock: world.clockFor(name),
      network: world.tcpFor(name),
      bootstrap: () => world.bootstrap(),
      door: (broker) => world.door(name, broker),
      nextId: () => ++this.lastId,
      count: (counter) => world.count(counter),
    };
  }
}
