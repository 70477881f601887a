import { OttlaError } from '@ottla/protocol';
import { type Actor, type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { committedOffsets } from './committed-offsets';
import { CoordinatorLink } from './coordinator-link';
import type { GroupProgress } from './group-progress';

/** Asks coordinators for committed offsets, as monitoring does, and looks whether groups have come to the end. */
export class GroupAuditor implements Actor {
  readonly name: string;
  private readonly client: WireClient;
  private readonly links: readonly { readonly progress: GroupProgress; readonly link: CoordinatorLink }[];

  constructor(
    private readonly context: ActorContext,
    groups: readonly GroupProgress[],
    private readonly intervalMs: number,
  ) {
    this.name = context.name;
    this.client = wireClient(context, { requestTimeoutMs: 700, sticky: false });
    this.links = groups.map((progress) => ({ progress, link: new CoordinatorLink(this.client, progress.group) }));
  }

  start(): void {
    if (this.links.length > 0) void this.run();
  }

  quiesce(): void {}

  unfinished(): string | null {
    return null;
  }

  private async run(): Promise<void> {
    const { clock, random } = this.context;
    for (;;) {
      await clock.sleep(this.intervalMs / 2 + random.below(this.intervalMs));
      const { progress, link } = this.links[random.below(this.links.length)]!;
      await this.ask(progress, link).catch((error: unknown) => {
        if (!(error instanceof OttlaError)) throw error;
      });
    }
  }

  private async ask(progress: GroupProgress, link: CoordinatorLink): Promise<void> {
    const { group, topics } = progress;
    if (topics.some((topic) => this.client.topic(topic) === null)) await this.client.refresh(...topics);
    const wanted = new Map<string, number[]>();
    for (const topic of topics) {
      const count = this.client.topic(topic)?.partitions.length ?? 0;
      if (count > 0)
        wanted.set(
          topic,
          Array.from({ length: count }, (_, partition) => partition),
        );
    }
    if (wanted.size === 0) return;
    // Also what a member committed without hearing the answer.
    for (const { topic, partition, offset } of await committedOffsets(this.context, link, group, wanted)) {
      progress.note(topic, partition, offset);
    }
  }
}
