import { waitFor } from '../../harness/wait';
import type { Draw } from '../draw';
import type { ChaosBroker } from '../machine/broker';
import type { Capability } from '../machine/capabilities';
import type { ChaosCluster } from '../machine/chaos-cluster';

/** A kind of fault: its numbers are drawn from the seed, whom it strikes is looked up when it strikes. */
export interface FaultKind {
  readonly name: string;
  readonly needs: readonly Capability[];
  /** The longest that clients may wait because of it, ms; without one any time within the deadlines is fine. */
  readonly maxGapMs?: number;
  draw(draw: Draw, scale: FaultScale): Fault;
}

/** Strikes, and has undone what it did when it resolves. */
export type Fault = (scene: Scene) => Promise<void>;

export interface FaultScale {
  /** How long the metadata store stays away, ms. */
  readonly outageMs: number;
}

export interface Scene {
  readonly cluster: ChaosCluster;
  /** Topics that clients write to. */
  readonly topics: readonly string[];
  say(what: string): void;
}

export const ROLES = ['leader', 'controller', 'follower', 'leader and controller', 'two replicas'] as const;
export type Role = (typeof ROLES)[number];

/** A partition of the load, by numbers that were drawn. */
export interface Target {
  readonly topic: number;
  readonly partition: number;
}

export const PARTITIONS = 3;
export const TOPICS = ['by-librdkafka', 'by-kafkajs'] as const;

export function drawTarget(draw: Draw): Target {
  return { topic: draw.between(0, TOPICS.length - 1), partition: draw.between(0, PARTITIONS - 1) };
}

const LOOKUP_DEADLINE_MS = 60_000;

/** Who has a role now, with regard to a partition. */
export function findBrokers({ cluster, topics }: Scene, role: Role, target: Target): Promise<ChaosBroker[]> {
  const topic = topics[target.topic]!;
  const ask = async (): Promise<ChaosBroker[] | null> => {
    const { controller, partitions } = await cluster.view();
    const found = partitions.find((each) => each.topic === topic && each.partition === target.partition);
    if (found === undefined || found.leader === null || controller === null) return null;
    const followers = found.replicas.filter((replica) => replica !== found.leader);
    const ids: Record<Role, number[]> = {
      leader: [found.leader],
      controller: [controller],
      follower: [followers.find((id) => id !== controller) ?? followers[0]!],
      'leader and controller': [...new Set([found.leader, controller])],
      'two replicas': [found.leader, followers[0]!],
    };
    return ids[role].map((id) => cluster.broker(id));
  };
  return waitFor(`the ${role} of ${topic}-${target.partition}`, ask, LOOKUP_DEADLINE_MS, 200);
}

export function namesOf(brokers: readonly ChaosBroker[]): string {
  return `broker ${brokers.map(({ id }) => id).join(' and ')}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
