import {
  type ClusterImage,
  type ClusterKeys,
  keysFor,
  StoreUnavailableError,
  type TopicRecord,
  topicRecordCodec,
} from '@ottla/metadata';
import { OttlaError, toOttlaError } from '@ottla/protocol';
import type { Clock, Logger, Random } from '@ottla/runtime';
import { removeUnfinishedTopic } from '../core/cleanup';
import type { TopicDefaults } from '../core/settings';
import { type CreationPlan, planCreateTopic } from '../core/topics/plan-create';
import { planDeleteTopic } from '../core/topics/plan-delete';
import { planCreatePartitions } from '../core/topics/plan-grow';
import type {
  ConfigValidator,
  CreatePartitionsRequest,
  CreateTopicRequest,
  TopicReference,
} from '../core/topics/topic-requests';
import { type PlannedTxn, planTxn } from '../core/txn/planned-txn';
import type { ClusterView } from './cluster-view';

export interface TopicAdminOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly defaults: TopicDefaults;
  readonly validateConfigs: ConfigValidator;
}

export interface AdminOptions {
  /** How long the operation, and the wait for this broker's image to show it, may take. */
  readonly timeoutMs: number;
  /** Check everything, change nothing. */
  readonly validateOnly?: boolean;
}

export interface CreatedTopic {
  readonly topic: TopicRecord;
  readonly replicationFactor: number;
}

/** How the transactions of a plan ended. `revision` is the store's, for the image to reach before the next attempt. */
type Outcome = { readonly applied: boolean; readonly revision: number };

const READ_BACK_MS = 100;

/**
 * Creates, grows and deletes topics. Works on any broker: the guards of each transaction make it safe. An operation
 * resolves when this broker's image shows its result, with a leader for every new partition.
 */
export class TopicAdmin {
  readonly #options: TopicAdminOptions;
  readonly #ensuring = new Map<string, Promise<TopicRecord>>();

  constructor(options: TopicAdminOptions) {
    this.#options = options;
  }

  /**
   * @throws OttlaError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
   *   INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST, REQUEST_TIMED_OUT.
   */
  async createTopic(request: CreateTopicRequest, options: AdminOptions): Promise<CreatedTopic> {
    const deadline = this.#deadline(options);
    for (;;) {
      const plan = planCreateTopic(this.#context(), request, this.#options.random.uuid());
      if (options.validateOnly) return plan;
      const outcome = await this.#execute(plan, deadline);
      if (outcome.applied) return await this.#shown(plan, outcome.revision, deadline);
      await this.#abandon(plan);
      await this.#reach(outcome.revision, deadline, `topic '${request.name}': creating it`);
    }
  }

  /** The topic of this name, created now if there is none. Errors as `createTopic`, but that it may exist. */
  ensureTopic(request: CreateTopicRequest, options: AdminOptions): Promise<TopicRecord> {
    const existing = this.#options.view.image.topics.get(request.name);
    if (existing !== undefined) return Promise.resolve(existing.value);
    const running = this.#ensuring.get(request.name);
    if (running !== undefined) return running;
    const ensuring = this.#ensure(request, options).finally(() => this.#ensuring.delete(request.name));
    this.#ensuring.set(request.name, ensuring);
    return ensuring;
  }

  /** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, REQUEST_TIMED_OUT. */
  async deleteTopic(reference: TopicReference, options: AdminOptions): Promise<TopicRecord> {
    const deadline = this.#deadline(options);
    for (;;) {
      const { topic, transaction } = planDeleteTopic(this.#options.view.image, this.#keys(), reference);
      if (options.validateOnly) return topic;
      const isDone = (stored: TopicRecord | null) => stored?.topicId !== topic.topicId;
      const outcome = await this.#run(transaction, topic.name, isDone, deadline);
      await this.#reach(outcome.revision, deadline, `topic '${topic.name}': deleting it`);
      if (outcome.applied) return topic;
    }
  }

  /** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, REQUEST_TIMED_OUT. */
  async createPartitions(request: CreatePartitionsRequest, options: AdminOptions): Promise<TopicRecord> {
    const deadline = this.#deadline(options);
    for (;;) {
      const plan = planCreatePartitions(this.#context(), request);
      if (options.validateOnly) return plan.topic;
      const outcome = await this.#execute(plan, deadline);
      if (outcome.applied) return (await this.#shown(plan, outcome.revision, deadline)).topic;
      await this.#reach(outcome.revision, deadline, `topic '${request.name}': adding partitions`);
    }
  }

  async #ensure(request: CreateTopicRequest, options: AdminOptions): Promise<TopicRecord> {
    const deadline = this.#deadline(options);
    for (;;) {
      try {
        return (await this.createTopic(request, { timeoutMs: this.#left(deadline) })).topic;
      } catch (error) {
        if (toOttlaError(error).code !== 'TOPIC_ALREADY_EXISTS') throw error;
      }
      const existing = this.#options.view.image.topics.get(request.name);
      if (existing !== undefined) return existing.value;
    }
  }

  #context() {
    return { ...this.#options, image: this.#options.view.image, keys: this.#keys() };
  }

  #keys(): ClusterKeys {
    return keysFor(this.#options.view.image.clusterId);
  }

  /** Each transaction only after the one before; the last one shows the result. */
  async #execute(plan: CreationPlan, deadline: number): Promise<Outcome> {
    const { topicId, name, partitions } = plan.topic;
    const isDone = (stored: TopicRecord | null) => stored?.topicId === topicId && stored.partitions >= partitions;
    let outcome: Outcome = { applied: false, revision: 0 };
    for (const [index, txn] of plan.transactions.entries()) {
      const isLast = index === plan.transactions.length - 1;
      outcome = await this.#run(txn, name, isLast ? isDone : () => false, deadline);
      if (!outcome.applied) return outcome;
    }
    return outcome;
  }

  /** When no answer comes, the topic's key tells whether it was applied. */
  async #run(
    txn: PlannedTxn,
    topic: string,
    isDone: (stored: TopicRecord | null) => boolean,
    deadline: number,
  ): Promise<Outcome> {
    try {
      const { succeeded, revision } = await this.#options.view.store.txn(txn);
      if (succeeded) this.#options.logger.info(txn.reason);
      return { applied: succeeded, revision };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      if (!error.maybeApplied) throw error;
      return await this.#readBack(topic, isDone, deadline);
    }
  }

  async #readBack(topic: string, isDone: (stored: TopicRecord | null) => boolean, deadline: number): Promise<Outcome> {
    const key = this.#keys().topic(topic);
    for (;;) {
      try {
        const { kv, revision } = await this.#options.view.store.get(key);
        return { applied: isDone(kv === null ? null : topicRecordCodec.decode(kv.value, key)), revision };
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || this.#left(deadline) <= READ_BACK_MS) throw error;
        await this.#options.clock.sleep(READ_BACK_MS);
      }
    }
  }

  /** What this attempt wrote before it was refused; the controller removes it otherwise, later. */
  async #abandon(plan: CreationPlan): Promise<void> {
    if (plan.transactions.length === 1) return;
    const { view, logger } = this.#options;
    try {
      await view.store.txn(planTxn([removeUnfinishedTopic(view.image, this.#keys(), plan.topic.topicId)]));
    } catch (error) {
      logger.debug(`topic '${plan.topic.name}': its unfinished partitions are left to the controller`, {
        error: toOttlaError(error).message,
      });
    }
  }

  async #shown(plan: CreationPlan, revision: number, deadline: number): Promise<CreatedTopic> {
    const { name } = plan.topic;
    const waiting = `topic '${name}' is stored; waiting for all of its partitions to have a leader here`;
    await this.#reach(revision, deadline, waiting);
    await this.#waitFor((image) => isComplete(image, plan), deadline, waiting);
    return plan;
  }

  #reach(revision: number, deadline: number, what: string): Promise<ClusterImage> {
    return this.#waitFor(revision, deadline, what);
  }

  async #waitFor(
    condition: number | ((image: ClusterImage) => boolean),
    deadline: number,
    what: string,
  ): Promise<ClusterImage> {
    const left = this.#left(deadline);
    if (left > 0) {
      try {
        return await this.#options.view.waitFor(condition, left);
      } catch (error) {
        if (toOttlaError(error).code !== 'REQUEST_TIMED_OUT') throw error;
      }
    }
    throw new OttlaError('REQUEST_TIMED_OUT', `${what} took longer than the request's timeout; look again later`);
  }

  #deadline(options: AdminOptions): number {
    return this.#options.clock.now() + options.timeoutMs;
  }

  #left(deadline: number): number {
    return deadline - this.#options.clock.now();
  }
}

/** Every new partition has a leader; or the topic is gone again. */
function isComplete(image: ClusterImage, { topic, firstPartition }: CreationPlan): boolean {
  if (image.topicNames.get(topic.topicId) === undefined) return true;
  const records = image.partitions.get(topic.topicId);
  for (let partition = firstPartition; partition < topic.partitions; partition++) {
    if ((records?.get(partition)?.value.leader ?? null) === null) return false;
  }
  return true;
}
