import type { ClusterKeys } from '@ottla/metadata';
import type { Clock, Logger } from '@ottla/runtime';
import {
  type BrokerReport,
  type GenerationPlan,
  missingReports,
  planGeneration,
} from '../../core/restore/plan-generation';
import type { MembershipTimings } from '../../core/settings';
import type { RestorableView, Self } from '../cluster-view';
import type { SessionService } from './session-service';

export interface NewGenerationOptions {
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: RestorableView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
  readonly sessions: SessionService;
  /** Stops the replicas of this broker, and tells what they hold. */
  readonly reportReplicas: () => Promise<Omit<BrokerReport, 'run'>>;
  /** This broker's own report has come. */
  readonly onReport: () => void;
}

export type GenerationStep =
  /** Reports are missing; look again then, or when one comes. */
  { readonly kind: 'wait'; readonly until: number } | { readonly kind: 'write'; readonly plan: GenerationPlan };

/**
 * The way out when the store was restored from a backup: the controller has every broker stop its replicas and tell what
 * they hold, waits for those that are away, though not for ever, and then begins a generation above all that is known.
 */
export class NewGeneration {
  readonly #options: NewGenerationOptions;
  #begun: { readonly generation: number; readonly at: number } | null = null;
  #own: BrokerReport | null = null;
  #saidMissing = '';

  constructor(options: NewGenerationOptions) {
    this.#options = options;
  }

  /** The generation to begin; null when the store is the one that everybody knows. */
  get wanted(): number | null {
    const { view, sessions } = this.#options;
    const current = view.image.generation?.value.generation ?? 0;
    const exceeded = Math.max(view.exceededGeneration ?? -1, sessions.exceededGeneration(current));
    return exceeded < 0 ? null : Math.max(exceeded, current) + 1;
  }

  step(generation: number): GenerationStep {
    const { view, keys, self, clock, timings, sessions } = this.#options;
    if (this.#begun?.generation !== generation) this.#begin(generation);
    sessions.askForReplicas(generation);
    const { image } = view;
    const reports = sessions.reports(generation);
    if (this.#own !== null) reports.set(self.broker, this.#own);
    const missing = missingReports({ image, reports });
    const until = this.#begun!.at + timings.restoreGraceMs;
    this.#sayMissing(missing);
    // What this broker holds itself is a matter of time only.
    if (this.#own === null || (missing.length > 0 && clock.now() < until)) {
      return { kind: 'wait', until: Math.max(until, clock.now() + timings.heartbeatIntervalMs) };
    }
    return { kind: 'write', plan: planGeneration({ image, keys, self, generation, reports }) };
  }

  #begin(generation: number): void {
    const { view, clock, logger } = this.#options;
    this.#begun = { generation, at: clock.now() };
    this.#own = null;
    logger.warn(
      `the metadata store was restored from a backup: all replicas stop, and generation ${generation} begins when their ` +
        'brokers have told what they hold',
    );
    view.suspend(`generation ${generation} is about to begin`);
    void this.#reportOwn(generation);
  }

  async #reportOwn(generation: number): Promise<void> {
    const { reportReplicas, onReport, logger, self } = this.#options;
    try {
      const report = await reportReplicas();
      if (this.#begun?.generation !== generation) return;
      this.#own = { ...report, run: self.run };
      onReport();
    } catch (error) {
      logger.error(`the replicas of broker ${self.broker} could not be told: ${(error as Error).message}`);
      if (this.#begun?.generation === generation) this.#begun = null;
    }
  }

  #sayMissing(missing: readonly number[]): void {
    const { logger, timings } = this.#options;
    const brokers = missing.join(', ');
    if (brokers !== this.#saidMissing && brokers !== '') {
      logger.info(`waiting at most ${timings.restoreGraceMs} ms for what brokers ${brokers} hold`);
    }
    this.#saidMissing = brokers;
  }
}
