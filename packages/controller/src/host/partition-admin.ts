import { type ClusterImage, type ClusterKeys, keysFor, StoreUnavailableError } from '@ottla/metadata';
import { type ErrorName, OttlaError, toOttlaError } from '@ottla/protocol';
import type { Clock, Logger } from '@ottla/runtime';
import { type AskedElection, planElection } from '../core/partitions/asked-election';
import { planReassignment, type ReassignmentRequest, rewriteTopic } from '../core/reassignment/plan-reassignment';
import type { TopicDefaults } from '../core/settings';
import { type PlannedChange, type PlannedTxn, planTxn } from '../core/txn/planned-txn';
import type { ClusterView } from './cluster-view';

export interface PartitionAdminOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly defaults: TopicDefaults;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What became of one partition; `error` is null when it was done. */
export interface PartitionResult extends TopicPartition {
  readonly error: OttlaError | null;
}

export interface ReassignOptions {
  readonly timeoutMs: number;
  /** KIP-860. Default true. */
  readonly allowReplicationFactorChange?: boolean;
}

/** One partition's part of a request. */
interface Task extends TopicPartition {
  /** Null when nothing is to be done. Throws an OttlaError when it can't be done. */
  plan(image: ClusterImage, keys: ClusterKeys): PlannedChange | null;
  /** Written beside the change, once for each topic. */
  beside(image: ClusterImage, keys: ClusterKeys): PlannedChange | null;
  /** Planning is refused with it once it's done: an attempt whose answer was lost has succeeded then. */
  readonly doneIs: ErrorName;
}

interface Attempt {
  readonly tasks: readonly Task[];
  readonly txn: PlannedTxn;
}

/** Partitions in one transaction: each brings guards of its record, of its leader, and of its topic. */
const PARTITIONS_AT_ONCE = 40;
const TRANSACTIONS_AT_ONCE = 4;
const READ_BACK_MS = 100;

/**
 * Changes assignments and leaders of partitions on request. Works on any broker: guards make it safe, and what they refuse
 * is planned again from what is true by then. Each partition stands alone. A call resolves when this broker's image shows
 * what was done.
 */
export class PartitionAdmin {
  readonly #options: PartitionAdminOptions;

  constructor(options: PartitionAdminOptions) {
    this.#options = options;
  }

  /**
   * Begins, redirects or cancels reassignments (KIP-455). Results in the order of the requests; errors are those of
   * `planReassignment`, REQUEST_TIMED_OUT, and the store's.
   */
  reassign(requests: readonly ReassignmentRequest[], options: ReassignOptions): Promise<PartitionResult[]> {
    const { defaults } = this.#options;
    const { timeoutMs, allowReplicationFactorChange } = options;
    const tasks = requests.map(
      (request): Task => ({
        topic: request.topic,
        partition: request.partition,
        plan: (image, keys) => planReassignment({ image, keys, defaults }, request, allowReplicationFactorChange),
        beside: (image, keys) => rewriteTopic(keys, image.topics.get(request.topic)!),
        doneIs: 'NO_REASSIGNMENT_IN_PROGRESS',
      }),
    );
    return this.#carryOut(tasks, timeoutMs);
  }

  /**
   * Elects leaders (KIP-460). With null for the partitions it elects wherever one is needed, and tells of nothing else.
   * Errors are those of `planElection`, REQUEST_TIMED_OUT, and the store's.
   */
  async elect(
    kind: AskedElection,
    partitions: readonly TopicPartition[] | null,
    options: { readonly timeoutMs: number },
  ): Promise<PartitionResult[]> {
    const asked = partitions ?? allPartitions(this.#options.view.image);
    const tasks = asked.map(
      ({ topic, partition }): Task => ({
        topic,
        partition,
        plan: (image, keys) => planElection({ image, keys }, kind, topic, partition),
        beside: () => null,
        doneIs: 'ELECTION_NOT_NEEDED',
      }),
    );
    const results = await this.#carryOut(tasks, options.timeoutMs);
    return partitions === null ? results.filter(({ error }) => error?.code !== 'ELECTION_NOT_NEEDED') : results;
  }

  async #carryOut(tasks: readonly Task[], timeoutMs: number): Promise<PartitionResult[]> {
    const { view, clock } = this.#options;
    const deadline = clock.now() + timeoutMs;
    const results = new Map<Task, OttlaError | null>();
    const uncertain = new Set<Task>();
    let pending = [...tasks];
    for (let isFirst = true; ; isFirst = false) {
      const attempts = this.#plan(view.image, pending, results, uncertain);
      if (attempts.length === 0) break;
      if (!isFirst && clock.now() >= deadline) {
        for (const task of attempts.flatMap((attempt) => attempt.tasks)) results.set(task, timedOut(task));
        break;
      }
      const revisions = await inTurns(attempts, (attempt) => this.#attempt(attempt, results, uncertain, deadline));
      await this.#reach(Math.max(0, ...revisions), deadline);
      pending = tasks.filter((task) => !results.has(task));
    }
    return tasks.map((task) => ({ topic: task.topic, partition: task.partition, error: results.get(task) ?? null }));
  }

  /** The transactions to try now. A topic whose key is rewritten gets one at a time. */
  #plan(
    image: ClusterImage,
    pending: readonly Task[],
    results: Map<Task, OttlaError | null>,
    uncertain: ReadonlySet<Task>,
  ): Attempt[] {
    const keys = keysFor(image.clusterId);
    const byTopic = new Map<string, { task: Task; change: PlannedChange }[]>();
    for (const task of pending) {
      try {
        const change = task.plan(image, keys);
        if (change === null) results.set(task, null);
        else byTopic.set(task.topic, [...(byTopic.get(task.topic) ?? []), { task, change }]);
      } catch (thrown) {
        const error = toOttlaError(thrown);
        results.set(task, uncertain.has(task) && error.code === task.doneIs ? null : error);
      }
    }
    return [...byTopic.values()].map((planned) => {
      const batch = planned.slice(0, PARTITIONS_AT_ONCE);
      const beside = batch[0]!.task.beside(image, keys);
      const changes = batch.map(({ change }) => change);
      return { tasks: batch.map(({ task }) => task), txn: planTxn(beside === null ? changes : [beside, ...changes]) };
    });
  }

  /** The revision that the image has to reach before anything is planned again. */
  async #attempt(
    { tasks, txn }: Attempt,
    results: Map<Task, OttlaError | null>,
    uncertain: Set<Task>,
    deadline: number,
  ): Promise<number> {
    const { view, logger } = this.#options;
    try {
      const { succeeded, revision } = await view.store.txn(txn);
      if (succeeded) {
        for (const { reason } of txn.changes) logger.info(reason);
        for (const task of tasks) results.set(task, null);
      }
      return revision;
    } catch (error) {
      if (error instanceof StoreUnavailableError && error.maybeApplied) {
        for (const task of tasks) uncertain.add(task);
        return this.#readBack(txn, deadline);
      }
      for (const task of tasks) results.set(task, toOttlaError(error));
      return 0;
    }
  }

  /** A revision that has whatever the unanswered transaction wrote; 0 when the store doesn't tell in time. */
  async #readBack(txn: PlannedTxn, deadline: number): Promise<number> {
    const { view, clock } = this.#options;
    while (clock.now() < deadline) {
      try {
        return (await view.store.get(txn.comparedKeys[0]!)).revision;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        await clock.sleep(READ_BACK_MS);
      }
    }
    return 0;
  }

  /** What is stored is done, even when the image shows it only later. */
  async #reach(revision: number, deadline: number): Promise<void> {
    const { view, clock, logger } = this.#options;
    try {
      await view.waitFor(revision, Math.max(0, deadline - clock.now()));
    } catch (error) {
      logger.debug(`the image has not reached revision ${revision} yet`, { error: toOttlaError(error).message });
    }
  }
}

function timedOut({ topic, partition }: TopicPartition): OttlaError {
  const message = `${topic}-${partition}: others kept changing it for as long as the request allows; try again`;
  return new OttlaError('REQUEST_TIMED_OUT', message);
}

function allPartitions(image: ClusterImage): TopicPartition[] {
  return [...image.topics.values()].flatMap(({ value }) =>
    Array.from({ length: value.partitions }, (_, partition) => ({ topic: value.name, partition })),
  );
}

async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let at = 0; at < items.length; at += TRANSACTIONS_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + TRANSACTIONS_AT_ONCE).map(run))));
  }
  return results;
}
