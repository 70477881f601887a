import type { ReplicaInput } from '../../src/index';
import type { Broker, Cluster } from './cluster';

interface Stream {
  follower: Broker;
  followerRun: string;
  leader: Broker;
  leaderRun: string;
}

/** The replication streams: one from each follower to its leader, in order until it is reset. */
export class Streams {
  private readonly open = new Map<number, Stream>();
  private readonly cuts = new Set<string>();

  constructor(private readonly cluster: Cluster) {}

  /** Resets the streams between two brokers; until `join` there are no others. */
  cut(a: number, b: number): void {
    this.cuts.add(linkName(a, b));
    this.reset(a, b);
  }

  join(a: number, b: number): void {
    this.cuts.delete(linkName(a, b));
    this.connect();
  }

  joinAll(): void {
    this.cuts.clear();
    this.connect();
  }

  /** Closes the streams between two brokers; `keep` of what is under way in each direction still arrives. */
  reset(a: number, b: number, keep = 0): void {
    for (const stream of [...this.open.values()]) {
      if (linkName(stream.follower.id, stream.leader.id) === linkName(a, b)) this.close(stream, keep);
    }
    this.connect();
  }

  closeAllOf(broker: Broker): void {
    for (const stream of [...this.open.values()]) {
      if (stream.follower === broker || stream.leader === broker) this.close(stream);
    }
  }

  /** By the follower's stream to that leader; without one it is lost. */
  sendUp(follower: number, leader: number, label: string, input: ReplicaInput): void {
    const stream = this.open.get(follower);
    if (stream?.leader.id === leader) this.send(stream, 'up', label, input);
  }

  sendDown(leader: number, follower: number, label: string, input: ReplicaInput): void {
    const stream = this.open.get(follower);
    if (stream?.leader.id === leader) this.send(stream, 'down', label, input);
  }

  /** Opens the streams that followers want and don't have, closes those that they don't want any more. */
  connect(): void {
    for (const follower of this.cluster.alive()) {
      const stream = this.open.get(follower.id);
      const target = this.wanted(follower);
      if (stream !== undefined && stream.leader === target && stream.leaderRun === target.run) continue;
      if (stream !== undefined) {
        this.leave(stream);
        this.connect();
        return;
      }
      if (target === undefined || this.cuts.has(linkName(follower.id, target.id))) continue;
      this.forgetFormer(follower, target);
      const opened = { follower, followerRun: follower.run, leader: target, leaderRun: target.run };
      this.open.set(follower.id, opened);
      this.send(opened, 'down', 'stream opened', { type: 'stream-opened' });
    }
  }

  /** A follower with a new leader isn't told any more what becomes of its streams to others. */
  private forgetFormer(follower: Broker, leader: Broker): void {
    for (const { id } of this.cluster.brokers.values()) {
      if (id === leader.id) continue;
      this.cluster.queues.keepFirst(`${id}->${follower.id}`, 0, (stream) => (stream as Stream).follower === follower);
    }
  }

  private wanted({ replica }: Broker): Broker | undefined {
    const leader = replica?.role === 'follower' ? replica.record?.leader : null;
    return this.cluster.alive().find(({ id, run }) => id === leader?.broker && run === leader.run);
  }

  private send(stream: Stream, direction: 'up' | 'down', label: string, input: ReplicaInput): void {
    const { follower, leader } = stream;
    const [from, to] = direction === 'up' ? [follower, leader] : [leader, follower];
    const { run } = to;
    this.cluster.queues.push(`${from.id}->${to.id}`, label, () => this.cluster.feedRun(to, run, input), stream);
  }

  /** The follower closes its stream itself: it knows at once. */
  private leave(stream: Stream): void {
    const { follower, leader, followerRun } = stream;
    this.drop(stream, 0);
    this.tellLeader(stream);
    this.cluster.queues.keepFirst(`${leader.id}->${follower.id}`, 0, (owner) => owner === stream);
    this.cluster.feedRun(follower, followerRun, { type: 'stream-closed' });
  }

  /** Both ends learn of it after what still arrives. */
  private close(stream: Stream, keep = 0): void {
    this.drop(stream, keep);
    this.tellLeader(stream);
    if (stream.follower.run === stream.followerRun) {
      this.send(stream, 'down', 'stream closed', { type: 'stream-closed' });
    }
  }

  private drop(stream: Stream, keep: number): void {
    const { follower, leader } = stream;
    this.open.delete(follower.id);
    const isOfStream = (owner: unknown) => owner === stream;
    this.cluster.queues.keepFirst(`${follower.id}->${leader.id}`, keep, isOfStream);
    this.cluster.queues.keepFirst(`${leader.id}->${follower.id}`, keep, isOfStream);
  }

  private tellLeader(stream: Stream): void {
    const { follower, followerRun: run, leader, leaderRun } = stream;
    if (leader.run !== leaderRun) return;
    this.send(stream, 'up', 'stream closed', { type: 'unsubscribe', broker: follower.id, run });
  }
}

function linkName(a: number, b: number): string {
  return `${Math.min(a, b)}-${Math.max(a, b)}`;
}
