import type { ClusterImage } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import type { Clock, Logger, PeerHello, PeerNetwork, PeerStream, Random, Timer } from '@ottla/runtime';

/** A replica that follows some leader. */
export interface Follower {
  readonly topicId: string;
  readonly partition: number;
  streamOpened(): void;
  streamClosed(): void;
  fromLeader(message: LeaderMessage): void;
}

export interface LeaderLinksOptions {
  readonly network: PeerNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly hello: PeerHello;
  image(): ClusterImage;
}

interface Link {
  readonly leader: { readonly broker: number; readonly run: string };
  readonly followers: Map<string, Follower>;
  stream: PeerStream<FollowerMessage, LeaderMessage> | null;
  retry: Timer | null;
  failures: number;
}

const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 1_000;

/** One stream to each broker (in one run) that leads something followed here; opened again, with back-off, while wanted. */
export class LeaderLinks {
  private readonly links = new Map<string, Link>();
  private readonly linkOf = new Map<string, Link>();
  private closed = false;

  constructor(private readonly options: LeaderLinksOptions) {}

  /** Makes the follower's stream go to this leader; null when it follows nobody. */
  follow(follower: Follower, leader: { broker: number; run: string } | null): void {
    const key = followerKey(follower.topicId, follower.partition);
    const present = this.linkOf.get(key);
    const wanted = leader === null ? null : this.linkTo(leader);
    if (present === wanted) return;
    if (present !== undefined) this.leave(key, follower, present);
    if (wanted === null) return;
    wanted.followers.set(key, follower);
    this.linkOf.set(key, wanted);
    if (wanted.stream !== null) follower.streamOpened();
    else if (wanted.retry === null) this.open(wanted);
  }

  send(topicId: string, partition: number, message: FollowerMessage): void {
    this.linkOf.get(followerKey(topicId, partition))?.stream?.send(message);
  }

  /** Tries waiting links again at once: a leader may have just registered. */
  onBrokersChanged(): void {
    for (const link of this.links.values()) {
      if (link.stream !== null) continue;
      link.retry?.cancel();
      link.retry = null;
      this.open(link);
    }
  }

  close(): void {
    this.closed = true;
    for (const link of this.links.values()) {
      link.retry?.cancel();
      link.stream?.close();
    }
    this.links.clear();
    this.linkOf.clear();
  }

  private linkTo(leader: { broker: number; run: string }): Link {
    const id = `${leader.broker}/${leader.run}`;
    const present = this.links.get(id);
    if (present !== undefined) return present;
    const link: Link = { leader, followers: new Map(), stream: null, retry: null, failures: 0 };
    this.links.set(id, link);
    return link;
  }

  private leave(key: string, follower: Follower, link: Link): void {
    link.followers.delete(key);
    this.linkOf.delete(key);
    if (link.stream !== null) follower.streamClosed();
    if (link.followers.size > 0) return;
    this.links.delete(`${link.leader.broker}/${link.leader.run}`);
    link.retry?.cancel();
    link.retry = null;
    const stream = link.stream;
    link.stream = null;
    stream?.close();
  }

  private open(link: Link): void {
    if (this.closed) return;
    const registered = this.options.image().brokers.get(link.leader.broker)?.value;
    if (registered === undefined || registered.run !== link.leader.run) {
      this.retryLater(link);
      return;
    }
    const stream = this.options.network.openReplication(registered.peer, this.options.hello);
    link.stream = stream;
    stream.onMessage((message) => {
      link.failures = 0;
      link.followers.get(followerKey(message.topicId, message.partition))?.fromLeader(message);
    });
    stream.onClose((error) => this.onClosed(link, stream, error));
    for (const follower of [...link.followers.values()]) follower.streamOpened();
  }

  private onClosed(link: Link, stream: PeerStream<FollowerMessage, LeaderMessage>, error: OttlaError | null): void {
    if (link.stream !== stream) return;
    link.stream = null;
    const cause = error ?? new OttlaError('NETWORK_EXCEPTION', 'closed by the other side');
    this.options.logger.debug(`replication stream to broker ${link.leader.broker} closed: ${cause.message}`);
    for (const follower of [...link.followers.values()]) follower.streamClosed();
    if (this.links.get(`${link.leader.broker}/${link.leader.run}`) === link) this.retryLater(link);
  }

  private retryLater(link: Link): void {
    if (this.closed || link.retry !== null) return;
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** link.failures);
    link.failures = Math.min(link.failures + 1, 10);
    const delay = ceiling / 2 + this.options.random.below(Math.ceil(ceiling / 2));
    link.retry = this.options.clock.after(delay, () => {
      link.retry = null;
      this.open(link);
    });
  }
}

function followerKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
