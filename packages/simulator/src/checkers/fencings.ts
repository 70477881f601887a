import type { ControllerEvent } from '@ottla/controller';
import type { Violation } from '../run/result';

/**
 * A refused connection may mislead a controller once about a run: when that run comes back, only its silence counts for
 * `distrustMs`. Otherwise a broker behind a firewall would be thrown out and let in again for ever.
 */
export class Fencings {
  /** By controller process and run: until when refusals don't count. */
  private readonly distrusted = new Map<string, number>();

  constructor(
    private readonly distrustMs: number,
    /** The run whose registration under a broker id was deleted last; null when none was. */
    private readonly lastGone: (broker: number) => string | null = () => null,
  ) {}

  /** `process` names the controller's process, which forgets with its end. */
  onEvent(at: number, process: string, event: ControllerEvent): Violation[] {
    if (event.type === 'wrong-guess') {
      this.distrusted.set(`${process} ${event.run}`, at + this.distrustMs);
      return [];
    }
    if (event.type !== 'fenced') return [];
    const gone = this.lastGone(event.broker);
    if (gone !== null && gone !== event.run) {
      const message = `${process} fenced run ${event.run} of broker ${event.broker}, and deleted the registration of run ${gone}`;
      return [{ invariant: '9 bounded fencing', at, message }];
    }
    if (event.evidence !== 'refused') return [];
    const until = this.distrusted.get(`${process} ${event.run}`);
    if (until === undefined || at >= until) return [];
    const message = `${process} fenced broker ${event.broker} (run ${event.run}) for a refused connection again, having been wrong about it`;
    return [{ invariant: '9 bounded fencing', at, message }];
  }
}
