import type { ControllerEvent } from '@ottla/controller';

/** How often rare things happened, as seen from outside: from what brokers log, and from what their controllers report. */
export class Counters {
  private readonly values: Record<string, number> = {};

  add(name: string, by = 1): void {
    this.values[name] = (this.values[name] ?? 0) + by;
  }

  onControllerEvent(event: ControllerEvent): void {
    switch (event.type) {
      case 'elected':
        this.add('elections');
        if (event.kind !== 'isr') this.add(`elections.${event.kind}`);
        if (event.kind === 'unclean') this.add('uncleanElections');
        return;
      case 'claimed':
        this.add('controllerChanges');
        return;
      case 'fenced':
        this.add('fencings');
        return;
      case 'deposed-controller':
        this.add('depositions');
        return;
      case 'wrong-guess':
        this.add('wrongGuesses');
        return;
      case 'leaderless':
        this.add('leaderless');
    }
  }

  onLog(level: string, message: string): void {
    void level;
    void message;
  }

  all(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.values).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
