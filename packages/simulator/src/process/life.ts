import type { SimTime } from '../time/sim-time';

/** The kernel sees a process end and closes what it had open; when the whole machine goes, nobody is left to. */
export type Ending = 'process' | 'machine';

/**
 * The life of one simulated process. Everything that happens to a process comes in through `run`: nothing happens while
 * it is paused (it is made up for, in order, when it goes on) and nothing ever again once it is dead.
 */
export class Life {
  private state: 'running' | 'paused' | 'resuming' | 'dead' = 'running';
  private readonly waiting: (() => void)[] = [];
  private readonly endings: ((how: Ending) => void)[] = [];

  constructor(
    private readonly time: SimTime,
    readonly name: string,
  ) {}

  get dead(): boolean {
    return this.state === 'dead';
  }

  get paused(): boolean {
    return this.state === 'paused';
  }

  run(action: () => void): void {
    if (this.state === 'running') action();
    else if (this.state !== 'dead') this.waiting.push(action);
  }

  pause(): void {
    if (this.state !== 'dead') this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'resuming';
    this.catchUp();
  }

  /** Ends it; what was registered by `onEnd` runs at once, on behalf of the kernel. */
  end(how: Ending): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.waiting.length = 0;
    for (const ending of this.endings.splice(0)) ending(how);
  }

  onEnd(ending: (how: Ending) => void): void {
    this.endings.push(ending);
  }

  /** One thing an event, so that each is followed by all that comes of it before the next. */
  private catchUp(): void {
    this.time.after(0, () => {
      if (this.state !== 'resuming') return;
      const next = this.waiting.shift();
      if (next === undefined) {
        this.state = 'running';
        return;
      }
      next();
      this.catchUp();
    });
  }
}
