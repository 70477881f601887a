import { OttlaError } from '@ottla/protocol';
import { Admin } from './admin/admin';
import { parseBootstrap } from './cluster/bootstrap';
import { Cluster } from './cluster/cluster';
import { Consumer } from './consumer/consumer';
import type { ConsumerOptions } from './consumer/options';
import { type ClientOptions, settingsOf } from './options';
import type { ProducerOptions } from './producer/options';
import { Producer } from './producer/producer';
import { producerSettings } from './producer/settings';

/** A client of one cluster: producers, consumers and admin over shared connections. */
export class ClusterClient {
  readonly admin: Admin;
  readonly #cluster: Cluster;
  readonly #producers = new Set<Producer>();
  readonly #consumers = new Set<Consumer>();

  /** Made by `connect`. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.admin = new Admin(cluster);
  }

  get clusterId(): string {
    return this.#cluster.metadata.clusterId;
  }

  producer(options: ProducerOptions = {}): Producer {
    this.#checkOpen();
    const settings = producerSettings(options, this.#cluster.settings.requestTimeoutMs);
    const producer: Producer = new Producer(this.#cluster, settings, () => this.#producers.delete(producer));
    this.#producers.add(producer);
    return producer;
  }

  consumer(options: ConsumerOptions): Consumer {
    this.#checkOpen();
    const consumer: Consumer = new Consumer(this.#cluster, options, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    return consumer;
  }

  /** Ends consumers, gives up what producers have not delivered (close them first to wait for it), and disconnects. */
  close(): void {
    const reason = new OttlaError('NETWORK_EXCEPTION', 'the client was closed before the record was delivered');
    for (const consumer of this.#consumers) consumer.close();
    for (const producer of this.#producers) producer.abandon(reason);
    this.#producers.clear();
    this.#cluster.close();
  }

  #checkOpen(): void {
    if (this.#cluster.closed) throw new OttlaError('NETWORK_EXCEPTION', 'the client is closed: connect again');
  }
}

/**
 * Connects to a cluster. Rejects with INVALID_CONFIG for an address that is none, and with NETWORK_EXCEPTION when no
 * broker can be reached within the connect timeout.
 */
export async function connect(options: ClientOptions): Promise<ClusterClient> {
  const cluster = new Cluster(parseBootstrap(options.bootstrap), settingsOf(options));
  try {
    await cluster.connect(options.signal);
  } catch (error) {
    cluster.close();
    throw error;
  }
  return new ClusterClient(cluster);
}
