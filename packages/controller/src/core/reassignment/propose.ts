import { OttlaError } from '@ottla/protocol';

/** A broker that may hold replicas. */
export interface ProposalBroker {
  readonly broker: number;
  readonly rack: string | null;
}

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The preferred leader first. */
  readonly replicas: readonly number[];
}

/** An assignment in the making. */
interface Draft {
  readonly topic: string;
  readonly partition: number;
  /** Who holds it: anyone else has to copy it. */
  readonly held: readonly number[];
  replicas: number[];
}

/**
 * Assignments over just these brokers, as even as can be: each holds as many replicas as any other, and is the preferred
 * leader of as many partitions, give or take one. A partition's replicas are in as many racks as there are. Replicas stay
 * where they are as far as that allows, since each that moves is copied. Answers those partitions that change.
 *
 * @param replicationFactor null to leave each partition as many replicas as it has.
 * @throws OttlaError INVALID_REPLICATION_FACTOR when there are fewer brokers than replicas.
 */
export function proposeAssignments(
  partitions: readonly AssignedPartition[],
  brokers: readonly ProposalBroker[],
  replicationFactor: number | null = null,
): AssignedPartition[] {
  const proposal = new Proposal(brokers);
  const drafts = partitions.map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    held: replicas,
    replicas: [...replicas],
  }));
  for (const draft of drafts) proposal.keep(draft, replicationFactor ?? draft.held.length);
  for (const draft of drafts) proposal.fill(draft, replicationFactor ?? draft.held.length);
  for (const draft of drafts) proposal.spreadOverRacks(draft);
  proposal.evenReplicas(drafts);
  proposal.evenLeaders(drafts);
  return drafts
    .filter(({ replicas, held }) => replicas.join() !== held.join())
    .map(({ topic, partition, replicas }) => ({ topic, partition, replicas }));
}

class Proposal {
  private readonly rackOf: ReadonlyMap<number, string | null>;
  private readonly racks: number;
  private readonly load: Map<number, number>;

  constructor(brokers: readonly ProposalBroker[]) {
    this.rackOf = new Map(brokers.map(({ broker, rack }) => [broker, rack]));
    this.racks = new Set(this.rackOf.values()).size;
    this.load = new Map(brokers.map(({ broker }) => [broker, 0]));
  }

  /** What is on these brokers already; of too many those in a rack that another has, and the last ones, go. */
  keep(draft: Draft, factor: number): void {
    if (factor > this.load.size || factor < 1) {
      const message = `${draft.topic}-${draft.partition}: ${factor} replica(s) on ${this.load.size} broker(s) is impossible`;
      throw new OttlaError('INVALID_REPLICATION_FACTOR', `${message}; name more brokers or another replication factor`);
    }
    draft.replicas = draft.replicas.filter((broker) => this.load.has(broker));
    while (draft.replicas.length > factor) {
      const spare =
        [...draft.replicas].reverse().find((broker) => this.sharesRack(draft, broker)) ?? draft.replicas.at(-1)!;
      draft.replicas = draft.replicas.filter((broker) => broker !== spare);
    }
    for (const broker of draft.replicas) this.count(broker, 1);
  }

  fill(draft: Draft, factor: number): void {
    while (draft.replicas.length < factor) {
      const broker = this.bestFor(draft)!;
      draft.replicas.push(broker);
      this.count(broker, 1);
    }
  }

  /** Moves replicas that share a rack to racks that have none. */
  spreadOverRacks(draft: Draft): void {
    for (;;) {
      const spare = [...draft.replicas].reverse().find((broker) => this.sharesRack(draft, broker));
      if (spare === undefined || this.racksOf(draft.replicas).size >= Math.min(this.racks, draft.replicas.length))
        return;
      this.move(draft, spare, this.bestFor(draft)!);
    }
  }

  /** Moves replicas from the most loaded brokers to the least loaded, one at a time, while that evens something out. */
  evenReplicas(drafts: readonly Draft[]): void {
    for (let moved = true; moved; ) {
      moved = false;
      const byLoad = [...this.load].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([broker]) => broker);
      for (const [from, to] of pairsOf(byLoad)) {
        if (this.load.get(from)! - this.load.get(to)! <= 1) continue;
        const draft =
          drafts.find((candidate) => !candidate.held.includes(from) && this.mayMove(candidate, from, to)) ??
          drafts.find((candidate) => this.mayMove(candidate, from, to));
        if (draft === undefined) continue;
        this.move(draft, from, to);
        moved = true;
        break;
      }
    }
  }

  /** Changes the order of replicas, which copies nothing. */
  evenLeaders(drafts: readonly Draft[]): void {
    const led = new Map([...this.load.keys()].map((broker) => [broker, 0]));
    for (const { replicas } of drafts) led.set(replicas[0]!, led.get(replicas[0]!)! + 1);
    for (let swapped = true; swapped; ) {
      swapped = false;
      const byLed = [...led].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([broker]) => broker);
      for (const [from, to] of pairsOf(byLed)) {
        if (led.get(from)! - led.get(to)! <= 1) continue;
        const draft = drafts.find(({ replicas }) => replicas[0] === from && replicas.includes(to));
        if (draft === undefined) continue;
        draft.replicas = [to, ...draft.replicas.filter((broker) => broker !== to)];
        led.set(from, led.get(from)! - 1);
        led.set(to, led.get(to)! + 1);
        swapped = true;
        break;
      }
    }
  }

  /** Not when fewer racks had a replica then: where the rack to leave has no other, and the one to enter has one. */
  private mayMove({ replicas }: Draft, from: number, to: number): boolean {
    if (!replicas.includes(from) || replicas.includes(to)) return false;
    const [left, entered] = [this.rackOf.get(from)!, this.rackOf.get(to)!];
    if (left === entered) return true;
    let isLeftUsed = false;
    let isEnteredUsed = false;
    for (const other of replicas) {
      if (other === from) continue;
      const rack = this.rackOf.get(other)!;
      isLeftUsed ||= rack === left;
      isEnteredUsed ||= rack === entered;
    }
    return isLeftUsed || !isEnteredUsed;
  }

  private move(draft: Draft, from: number, to: number): void {
    draft.replicas = draft.replicas.map((broker) => (broker === from ? to : broker));
    this.count(from, -1);
    this.count(to, 1);
  }

  /** The least loaded broker that doesn't hold it, in a rack that doesn't either if there is one. */
  private bestFor({ replicas }: Draft): number | undefined {
    const used = this.racksOf(replicas);
    const free = [...this.load.keys()].filter((broker) => !replicas.includes(broker));
    const elsewhere = free.filter((broker) => !used.has(this.rackOf.get(broker)!));
    const choice = elsewhere.length > 0 ? elsewhere : free;
    return choice.sort((a, b) => this.load.get(a)! - this.load.get(b)! || a - b)[0];
  }

  private racksOf(replicas: readonly number[]): Set<string | null> {
    return new Set(replicas.map((broker) => this.rackOf.get(broker)!));
  }

  private sharesRack({ replicas }: Draft, broker: number): boolean {
    return replicas.some((other) => other !== broker && this.rackOf.get(other) === this.rackOf.get(broker));
  }

  private count(broker: number, change: number): void {
    this.load.set(broker, this.load.get(broker)! + change);
  }
}

/** From the first ones to the last ones: those furthest apart first. */
function* pairsOf(brokers: readonly number[]): Generator<readonly [from: number, to: number]> {
  for (const from of brokers) for (const to of [...brokers].reverse()) if (from !== to) yield [from, to];
}
