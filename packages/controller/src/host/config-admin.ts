import { type ClusterImage, keysFor, StoreUnavailableError, type TopicRecord } from '@ottla/metadata';
import { OttlaError, toOttlaError } from '@ottla/protocol';
import type { Clock, Logger } from '@ottla/runtime';
import { effectiveMinIsr } from '../core/partitions/in-sync';
import { originalReplicas } from '../core/reassignment/assignment';
import type { TopicDefaults } from '../core/settings';
import { minInsyncReplicas, topicDefaults } from '../core/topics/default-configs';
import { type ConfigPlan, planBrokerConfigs, planTopicConfigs } from '../core/topics/plan-configs';
import type { ConfigEdit } from '../core/topics/topic-requests';
import type { ClusterView } from './cluster-view';
import type { AdminOptions } from './topic-admin';

export interface ConfigAdminOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly defaults: TopicDefaults;
}

const READ_BACK_MS = 100;
/** How long a change of `min.insync.replicas` waits for the controller to carry it into the partitions' records. */
const SETTLE_MS = 2_000;

/**
 * Changes the overrides of topics and brokers. Works on any broker: an edit is guarded by the overrides that it was made
 * from, and made again when they have changed. Resolves when this broker's image shows the result, and when the records
 * of the partitions have the effective minimum that follows from it, as far as there is a controller.
 */
export class ConfigAdmin {
  readonly #options: ConfigAdminOptions;

  constructor(options: ConfigAdminOptions) {
    this.#options = options;
  }

  /** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, REQUEST_TIMED_OUT, and what `edit` throws. */
  async alterTopic(name: string, edit: ConfigEdit, options: AdminOptions): Promise<void> {
    await this.#alter((image) => planTopicConfigs(image, keysFor(image.clusterId), name, edit), options);
    if (!options.validateOnly) await this.#settled((topic) => topic.name === name);
  }

  /** Of one broker, or with null of all. @throws OttlaError REQUEST_TIMED_OUT, and what `edit` throws. */
  async alterBrokers(broker: number | null, edit: ConfigEdit, options: AdminOptions): Promise<void> {
    await this.#alter((image) => planBrokerConfigs(image, keysFor(image.clusterId), broker, edit), options);
    if (!options.validateOnly && broker === null) await this.#settled(() => true);
  }

  async #alter(plan: (image: ClusterImage) => ConfigPlan, options: AdminOptions): Promise<void> {
    const { view, clock } = this.#options;
    const deadline = clock.now() + options.timeoutMs;
    for (;;) {
      const planned = plan(view.image);
      if (options.validateOnly) return;
      const { applied, revision } = await this.#run(planned, deadline);
      await this.#reach(revision, deadline, planned.transaction.reason);
      if (applied) return;
    }
  }

  /** An edit may be made twice: without an answer it is simply made again, from what the store holds then. */
  async #run(plan: ConfigPlan, deadline: number): Promise<{ applied: boolean; revision: number }> {
    const { view, logger } = this.#options;
    try {
      const { succeeded, revision } = await view.store.txn(plan.transaction);
      if (succeeded && plan.transaction.success.length > 0) logger.info(plan.transaction.reason);
      return { applied: succeeded, revision };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || !error.maybeApplied) throw error;
      return { applied: false, revision: await this.#readBack(plan.key, deadline) };
    }
  }

  async #readBack(key: string, deadline: number): Promise<number> {
    const { view, clock } = this.#options;
    for (;;) {
      try {
        return (await view.store.get(key)).revision;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || deadline - clock.now() <= READ_BACK_MS) throw error;
        await clock.sleep(READ_BACK_MS);
      }
    }
  }

  async #reach(revision: number, deadline: number, what: string): Promise<void> {
    const { view, clock } = this.#options;
    const left = deadline - clock.now();
    try {
      if (left > 0) return void (await view.waitFor(revision, left));
    } catch (error) {
      if (toOttlaError(error).code !== 'REQUEST_TIMED_OUT') throw error;
    }
    throw new OttlaError('REQUEST_TIMED_OUT', `${what}: it took longer than the request's timeout; look again later`);
  }

  async #settled(concerns: (topic: TopicRecord) => boolean): Promise<void> {
    const { view, logger, defaults } = this.#options;
    try {
      await view.waitFor((image) => haveTheirMinimum(image, defaults, concerns), SETTLE_MS);
    } catch (error) {
      logger.debug('the controller has not carried a change of configs into all partitions yet', {
        error: toOttlaError(error).message,
      });
    }
  }
}

function haveTheirMinimum(
  image: ClusterImage,
  started: TopicDefaults,
  concerns: (topic: TopicRecord) => boolean,
): boolean {
  const defaults = topicDefaults(image, started);
  for (const { value: topic } of image.topics.values()) {
    if (!concerns(topic)) continue;
    const wanted = minInsyncReplicas(topic.configs, defaults);
    for (const [partition, { value }] of image.partitions.get(topic.topicId) ?? []) {
      if (partition < topic.partitions && value.minIsr !== effectiveMinIsr(wanted, originalReplicas(value).length))
        return false;
    }
  }
  return true;
}
