import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage, ReplicaInput } from '@ottla/replication';
import type { Logger, PeerHello, PeerStream } from '@ottla/runtime';

/** Where a follower's messages go: the replica here, or null when this broker hasn't got it (yet). */
export type ReplicaLookup = (topicId: string, partition: number) => { feed(input: ReplicaInput): void } | null;

type FollowerStream = PeerStream<LeaderMessage, FollowerMessage>;

interface Link {
  readonly hello: PeerHello;
  readonly stream: FollowerStream;
  readonly subscribed: Map<string, { topicId: string; partition: number }>;
  congested: boolean;
  readonly waiters: (() => void)[];
}

/** The streams that followers opened to this broker: the newest of each broker counts. */
export class FollowerLinks {
  private readonly links = new Map<number, Link>();
  private closed = false;

  constructor(
    private readonly lookup: ReplicaLookup,
    private readonly logger: Logger,
  ) {}

  accept(hello: PeerHello, stream: FollowerStream): void {
    if (this.closed) {
      stream.close(new OttlaError('BROKER_NOT_AVAILABLE', 'this broker is shutting down'));
      return;
    }
    const before = this.links.get(hello.broker);
    if (before !== undefined) this.drop(before);
    const link: Link = { hello, stream, subscribed: new Map(), congested: false, waiters: [] };
    this.links.set(hello.broker, link);
    stream.onMessage((message) => this.onMessage(link, message));
    stream.onDrain(() => release(link));
    stream.onClose(() => {
      if (this.links.get(hello.broker) === link) this.drop(link);
    });
  }

  send(broker: number, message: LeaderMessage): void {
    const link = this.links.get(broker);
    if (link !== undefined && !link.stream.send(message)) link.congested = true;
  }

  /** Resolves once the broker's stream takes more, or is gone. */
  writable(broker: number): Promise<void> {
    const link = this.links.get(broker);
    if (link === undefined || !link.congested) return Promise.resolve();
    return new Promise((resolve) => link.waiters.push(resolve));
  }

  close(): void {
    this.closed = true;
    for (const link of [...this.links.values()]) this.drop(link);
  }

  private onMessage(link: Link, message: FollowerMessage): void {
    if (this.links.get(link.hello.broker) !== link) return;
    const { broker, run } = link.hello;
    const replica = this.lookup(message.topicId, message.partition);
    if (replica === null) {
      if (message.type === 'subscribe') link.stream.send(refusal(message));
      return;
    }
    const key = `${message.topicId}/${message.partition}`;
    switch (message.type) {
      case 'subscribe':
        link.subscribed.set(key, { topicId: message.topicId, partition: message.partition });
        return replica.feed({ type: 'subscribe', broker, run, message });
      case 'report':
        return replica.feed({ type: 'report', broker, run, message });
      case 'unsubscribe':
        link.subscribed.delete(key);
        return replica.feed({ type: 'unsubscribe', broker, run });
    }
  }

  private drop(link: Link): void {
    const { broker, run } = link.hello;
    this.links.delete(broker);
    this.logger.debug(`replication stream from broker ${broker} closed`);
    link.stream.close();
    release(link);
    for (const { topicId, partition } of link.subscribed.values()) {
      this.lookup(topicId, partition)?.feed({ type: 'unsubscribe', broker, run });
    }
  }
}

/** The follower's image may be ahead of this broker's; it asks again after a pause. */
function refusal(message: FollowerMessage & { type: 'subscribe' }): LeaderMessage {
  const { topicId, partition, leaderEpoch, subscription } = message;
  const error = 'UNKNOWN_TOPIC_OR_PARTITION';
  return { type: 'refused', topicId, partition, leaderEpoch, subscription, error, currentEpoch: -1 };
}

function release(link: Link): void {
  link.congested = false;
  for (const resolve of link.waiters.splice(0)) resolve();
}
