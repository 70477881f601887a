import type { ControllerEvent } from '@ottla/controller';
import type { Violation } from '../run/result';

/**
 * A refused connection may mislead a controller once about a run: when that run comes back, only its silence counts for
 * `distrustMs`. Otherwise a broker behind a firewall would be thrown out and let in again for ever.
 */
export class Fencings {
  /** By controller process and run: until when refusals don't count. */
  private readonly distrusted = new Map<string, number>();

  constructor(private readonly distrustMs: number) {}

  /** `process` names the controller's process, which forgets with its end. */
  onEvent(at: number, process: string, event: ControllerEvent): Violation[] {
    if (event.type === 'wrong-guess') {
      this.distrusted.set(`${process} ${event.run}`, at + this.distrustMs);
      return [];
    }
    if (event.type !== 'fenced' || event.evidence !== 'refused') return [];
    const until = this.distrusted.get(`${process} ${event.run}`);
    if (until === undefined || at >= until) return [];
    const message = `${process} fenced broker ${event.broker} (run ${event.run}) for a refused connection again, having been wrong about it`;
    return [{ invariant: '9 bounded fencing', at, message }];
  }
}
