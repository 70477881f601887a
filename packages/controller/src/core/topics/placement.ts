import type { BrokerRegistration, ClusterImage } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';

/** A broker that may be given replicas. */
export interface PlaceableBroker {
  readonly broker: number;
  readonly rack: string | null;
  /** Takes leaderships: it's not draining. */
  readonly active: boolean;
  /** Partitions whose preferred leader it is. */
  readonly preferred: number;
}

export interface PlacementRequest {
  readonly firstPartition: number;
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** The registered brokers with their load. */
export function placeableBrokers(image: ClusterImage): PlaceableBroker[] {
  const preferred = preferredLeaders(image);
  return [...image.brokers.values()]
    .map(({ value }) => placeable(value, preferred.get(value.broker) ?? 0))
    .sort((a, b) => a.broker - b.broker);
}

/**
 * Round robin over the brokers, neighbours in different racks, beginning at the one with the fewest preferred leaders.
 * Followers shift by one more after each turn, so that the partitions of one leader don't share their followers. No
 * rack gets a second replica of a partition before every rack has one. Draining brokers are used only when the others
 * are too few, and never first.
 *
 * @throws OttlaError INVALID_REPLICATION_FACTOR when there are fewer brokers than replicas.
 */
export function place(brokers: readonly PlaceableBroker[], request: PlacementRequest): number[][] {
  const active = alternateRacks(brokers.filter((broker) => broker.active));
  const draining = alternateRacks(brokers.filter((broker) => !broker.active));
  checkReplicationFactor(request.replicationFactor, active.length, draining.length);
  const spare = active.length < request.replicationFactor ? draining : [];
  const start = leastLoaded(active);
  return Array.from({ length: request.partitions }, (_, index) =>
    placeOne(active, spare, start + index, turnOf(request.firstPartition + index, active.length), request),
  );
}

function placeOne(
  active: readonly PlaceableBroker[],
  spare: readonly PlaceableBroker[],
  position: number,
  turn: number,
  request: PlacementRequest,
): number[] {
  const leader = position % active.length;
  const candidates = [active[leader]!, ...followersInOrder(active, leader, turn), ...spare];
  const racks = new Set(candidates.map((broker) => broker.rack));
  const chosen: PlaceableBroker[] = [];
  while (chosen.length < request.replicationFactor) {
    const used = new Set(chosen.map((broker) => broker.rack));
    const free = candidates.filter((broker) => !chosen.includes(broker));
    const next = used.size < racks.size ? free.find((broker) => !used.has(broker.rack)) : undefined;
    chosen.push(next ?? free[0]!);
  }
  return chosen.map((broker) => broker.broker);
}

/** The others in ring order, beginning `turn` further than the leader's neighbour. */
function followersInOrder(ring: readonly PlaceableBroker[], leader: number, turn: number): PlaceableBroker[] {
  const others = ring.length - 1;
  return Array.from({ length: others }, (_, index) => ring[(leader + 1 + ((turn + index) % others)) % ring.length]!);
}

function turnOf(partition: number, brokers: number): number {
  return Math.floor(partition / brokers);
}

/** One broker of each rack in turn. */
function alternateRacks(brokers: readonly PlaceableBroker[]): PlaceableBroker[] {
  const byRack = new Map<string | null, PlaceableBroker[]>();
  for (const broker of brokers) byRack.set(broker.rack, [...(byRack.get(broker.rack) ?? []), broker]);
  const racks = [...byRack.keys()].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1)).map((rack) => byRack.get(rack)!);
  const longest = Math.max(0, ...racks.map((rack) => rack.length));
  const ring: PlaceableBroker[] = [];
  for (let index = 0; index < longest; index++) {
    for (const rack of racks) if (rack[index] !== undefined) ring.push(rack[index]!);
  }
  return ring;
}

function leastLoaded(ring: readonly PlaceableBroker[]): number {
  const least = Math.min(...ring.map((broker) => broker.preferred));
  return ring.findIndex((broker) => broker.preferred === least);
}

function checkReplicationFactor(factor: number, active: number, draining: number): void {
  if (active === 0) {
    throw new OttlaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): no broker that could lead it is registered; ` +
        'start a broker, or try again when one has registered',
    );
  }
  if (factor > active + draining) {
    throw new OttlaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): only ${active + draining} broker(s) are registered; ` +
        'ask for fewer replicas or start more brokers',
    );
  }
}

function placeable(registration: BrokerRegistration, preferred: number): PlaceableBroker {
  return { broker: registration.broker, rack: registration.rack, active: registration.state === 'active', preferred };
}

function preferredLeaders(image: ClusterImage): Map<number, number> {
  const counts = new Map<number, number>();
  for (const partitions of image.partitions.values()) {
    for (const { value } of partitions.values()) {
      const first = value.replicas[0];
      if (first !== undefined) counts.set(first, (counts.get(first) ?? 0) + 1);
    }
  }
  return counts;
}
