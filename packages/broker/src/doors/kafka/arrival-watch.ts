import { apis, type MetadataResponse } from '@ottla/protocol';
import type { Clock, Logger, Timer } from '@ottla/runtime';

/** What the watch needs to know of a connection. */
export interface Visitor {
  readonly clientHost: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly clientId: string | null;
  readonly description: string;
  readonly isOpen: boolean;
}

/** Long enough for a client to have connected to where it was sent, short enough to be noticed while debugging. */
const PATIENCE_MS = 10_000;
const MAX_WATCHED = 1_000;
const MAX_REMEMBERED = 10_000;
/** What a client asks before it goes where metadata sends it. */
const INTRODUCTIONS: ReadonlySet<number> = new Set([apis.ApiVersions.key, apis.Metadata.key, apis.DescribeCluster.key]);

/**
 * Notices clients that were told this broker's advertised address and went on asking for metadata, but never came with
 * anything else: probably they can't reach it. Says so once for each client.
 */
export class ArrivalWatch {
  private readonly watched = new Map<string, Timer>();
  private readonly settled = new Set<string>();

  constructor(private readonly options: { readonly broker: number; readonly clock: Clock; readonly logger: Logger }) {}

  onRequest(visitor: Visitor, apiKey: number): void {
    if (INTRODUCTIONS.has(apiKey)) return;
    const key = keyOf(visitor);
    if (this.settled.has(key)) return;
    this.watched.get(key)?.cancel();
    this.watched.delete(key);
    this.settle(key);
  }

  onMetadata(visitor: Visitor, metadata: MetadataResponse): void {
    const { broker, clock } = this.options;
    const key = keyOf(visitor);
    if (this.settled.has(key) || this.watched.has(key) || this.watched.size >= MAX_WATCHED) return;
    const address = metadata.brokers.find((known) => known.nodeId === broker);
    if (address === undefined || !sendsHere(metadata, broker)) return;
    // It came by this very address.
    if (address.host === visitor.localAddress && address.port === visitor.localPort) return;
    const timer = clock.after(PATIENCE_MS, () => this.judge(visitor, key, `${address.host}:${address.port}`));
    this.watched.set(key, timer);
  }

  close(): void {
    for (const timer of this.watched.values()) timer.cancel();
    this.watched.clear();
  }

  private judge(visitor: Visitor, key: string, address: string): void {
    this.watched.delete(key);
    if (!visitor.isOpen) return;
    this.settle(key);
    this.options.logger.warn(
      `${visitor.description} was told to connect to ${address} and has not come in ${PATIENCE_MS / 1000} s: if it can't reach that address, set advertised.listeners to one that it can`,
    );
  }

  private settle(key: string): void {
    if (this.settled.size >= MAX_REMEMBERED) this.settled.delete(this.settled.values().next().value as string);
    this.settled.add(key);
  }
}

/** Whether a client of this metadata has a reason to come to the broker. */
function sendsHere(metadata: MetadataResponse, broker: number): boolean {
  if (metadata.brokers.length === 1) return true;
  return metadata.topics.some((topic) => topic.partitions.some((partition) => partition.leaderId === broker));
}

function keyOf(visitor: Visitor): string {
  return `${visitor.clientHost} ${visitor.clientId ?? ''}`;
}
