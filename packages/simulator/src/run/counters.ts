import type { ControllerEvent } from '@ottla/controller';

/** What brokers log, and what it counts as. */
const LOGGED: readonly (readonly [RegExp, string])[] = [
  [/replica taken offline|the replica stays offline/, 'offlineReplicas'],
  [/where the leader's log diverges/, 'divergentTruncations'],
  [/: starting anew at/, 'logsStartedAnew'],
  [/ISR is now/, 'isrChanges'],
  [/giving up the leadership/, 'resignations'],
  [/the store gave no answer to a change of the ISR/, 'isrAnswersLost'],
  [/were not written/, 'failedAppends'],
  [/: cut .*: /, 'logsCut'],
  [/taking a fresh snapshot/, 'freshSnapshots'],
  [/lost the lease of the metadata store/, 'leasesLost'],
  [/was deleted by another broker/, 'deletedRegistrations'],
  [/watch interrupted/, 'watchesInterrupted'],
  [/a new generation begins/, 'newGenerations'],
  [/replica.*took over in epoch|: leader in epoch/, 'leaderships'],
];

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

  onLog(message: string): void {
    for (const [pattern, name] of LOGGED) if (pattern.test(message)) this.add(name);
  }

  all(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.values).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
