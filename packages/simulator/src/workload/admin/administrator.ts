import { OttlaError } from '@ottla/protocol';
import type { Actor, ActorContext } from '../actor';
import { AdminClient } from './admin-client';
import { type AdminTask, carryOut } from './admin-task';

export interface AdministratorSettings {
  readonly task: AdminTask;
  readonly atMs: number;
  /** How long it's tried; infinite for what everything else rests on. */
  readonly patienceMs: number;
}

const PAUSE_MS = 250;
/** What asking again won't change, or what says that it has been done. */
const FINAL = new Set([
  'NONE',
  'TOPIC_ALREADY_EXISTS',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INVALID_PARTITIONS',
  'INVALID_REPLICA_ASSIGNMENT',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'INVALID_TOPIC_EXCEPTION',
  'ELECTION_NOT_NEEDED',
  'POLICY_VIOLATION',
  'OFFSET_OUT_OF_RANGE',
]);

/** Does one thing at its time, and asks again until it is answered for good. */
export class Administrator implements Actor {
  readonly name: string;
  private stopped = false;
  private done = false;

  constructor(
    private readonly context: ActorContext,
    private readonly settings: AdministratorSettings,
  ) {
    this.name = context.name;
  }

  start(): void {
    this.context.clock.after(this.settings.atMs, () => void this.run());
  }

  quiesce(): void {
    this.stopped = true;
  }

  unfinished(): string | null {
    const { patienceMs, task } = this.settings;
    return this.done || Number.isFinite(patienceMs) ? null : `${this.name}: ${task.kind} was not done`;
  }

  private async run(): Promise<void> {
    const { clock } = this.context;
    const { task, patienceMs } = this.settings;
    const admin = new AdminClient(this.context);
    const deadline = clock.now() + patienceMs;
    while (!this.done && clock.now() < deadline && (!this.stopped || !Number.isFinite(patienceMs))) {
      const error = await carryOut(task, admin).catch((thrown: unknown) => {
        if (thrown instanceof OttlaError) return thrown.code;
        throw thrown;
      });
      if (error === 'NONE') this.context.count(`admin ${task.kind}`);
      this.done = error === null || FINAL.has(error);
      if (!this.done) await clock.sleep(PAUSE_MS);
    }
    this.done = true;
    admin.client.close();
  }
}
