import { toOttlaError } from '@ottla/protocol';
import type { Logger } from '@ottla/runtime';

/** What must be closed, in the reverse order in which it was opened, however many of the steps fail. */
export class Closing {
  private readonly steps: { what: string; close: () => unknown }[] = [];

  add(what: string, close: () => unknown): void {
    this.steps.push({ what, close });
  }

  async run(logger: Logger): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        logger.error(`closing ${step.what} failed: ${toOttlaError(error).message}`);
      }
    }
  }
}
