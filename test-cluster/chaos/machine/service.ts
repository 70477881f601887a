import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { killNine, type Started, start } from '../../harness/processes';
import type { Host } from './network';

/** A program that is killed, paused and started again, on one host. */
export class Service {
  private started: Started | null = null;
  private expected = false;

  constructor(
    readonly name: string,
    private readonly host: Host,
    private readonly log: string,
    /** Called when it ends without having been told to. */
    private readonly onCrash: (what: string) => void,
  ) {}

  get isRunning(): boolean {
    return this.started !== null;
  }

  start(commandLine: readonly string[]): void {
    const [file, ...args] = [...this.host.enter, ...commandLine];
    const log = openSync(this.log, 'a');
    this.expected = false;
    const started = start(file!, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.started = started;
    started.child.once('exit', (code, signal) => {
      this.started = null;
      if (!this.expected)
        this.onCrash(`${this.name} ended by itself (${signal ?? `exit code ${code}`}): see ${this.log}`);
    });
  }

  async kill(): Promise<void> {
    if (this.started === null) return;
    this.expected = true;
    const exited = once(this.started.child, 'exit');
    await killNine(this.started.child.pid!);
    await exited;
  }

  /** Tells it to end, as a service manager would. */
  async stop(): Promise<void> {
    if (this.started === null) return;
    this.expected = true;
    await this.started.stop('SIGTERM');
  }

  pause(): void {
    this.started?.child.kill('SIGSTOP');
  }

  resume(): void {
    this.started?.child.kill('SIGCONT');
  }

  killNow(): void {
    this.expected = true;
    this.started?.child.kill('SIGKILL');
  }
}
