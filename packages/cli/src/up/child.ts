import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type FromChild, isFromChild, type ToChild } from './ipc';
import { keepBounded } from './log-rotation';

export interface ChildSpec {
  /** As messages call it: `broker 2`, `the store`. */
  readonly name: string;
  /** Arguments of `ottla`. */
  readonly args: readonly string[];
  /** Where its log lines go; null: to this process's standard error. */
  readonly log: string | null;
  readonly env: NodeJS.ProcessEnv;
}

/** How a child ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said before, if it said why. */
  readonly message: string | null;
}

/** One process of the cluster. It ends when this process does. */
export class Child {
  readonly pid: number | null;
  /** Resolves when it serves; never when it ends before. */
  readonly serving: Promise<void>;
  readonly exited: Promise<Exit>;
  private readonly process: ChildProcess;
  private message: string | null = null;
  private ended = false;

  constructor(readonly spec: ChildSpec) {
    const letLogGrow = spec.log === null ? () => {} : keepBounded(spec.log);
    const log = spec.log === null ? 'inherit' : openSync(spec.log, 'a');
    // Node gives the entry script as argv[1]: the launcher, which children run as well.
    this.process = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...spec.args], {
      stdio: ['ignore', log, log, 'ipc'],
      env: spec.env,
    });
    if (typeof log === 'number') closeSync(log);
    this.pid = this.process.pid ?? null;
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.ended = true;
        letLogGrow();
        resolve({ code, signal, message: this.message });
      };
      this.process.once('exit', end);
      this.process.once('error', (error) => {
        this.message ??= error.message;
        if (this.pid === null) end(null, null);
      });
    });
    this.serving = new Promise((resolve) => {
      this.process.on('message', (message: unknown) => {
        if (!isFromChild(message)) return;
        this.onMessage(message, resolve);
      });
    });
  }

  get isRunning(): boolean {
    return !this.ended;
  }

  tell(message: ToChild): void {
    // It may have ended this instant; `exited` says so.
    if (this.process.connected) this.process.send(message, () => {});
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.ended) this.process.kill(signal);
  }

  private onMessage(message: FromChild, serving: () => void): void {
    if (message.type === 'serving') serving();
    else this.message = message.message;
  }
}

/** The end of a child as a clause: `was killed by SIGKILL`, `exited with code 1`. */
export function describeExit({ code, signal }: Exit): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'could not be started' : `exited with code ${code}`;
}
