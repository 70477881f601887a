// Runs seeds in processes of their own, one a core. A run that ends its process, or gives no answer, is a failed run; the
// process is replaced.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('worker.mjs', import.meta.url));

/** A run that takes so long has hung: a seed takes about a second. */
const TIMEOUT_MS = 60_000;
const STDERR_KEPT = 4_000;

export class Workers {
  #idle = [];
  #waiting = [];
  #busy = new Set();
  #timeoutMs;

  constructor({ count = availableParallelism(), timeoutMs = TIMEOUT_MS } = {}) {
    this.count = count;
    this.#timeoutMs = timeoutMs;
    for (let n = 0; n < count; n++) this.#idle.push(null);
  }

  /**
   * Runs one seed by a bundle, as soon as a process is free. Never rejects: a process that dies or hangs gives a result with
   * one violation, `crash` or `hang`.
   */
  async run(bundle, options) {
    const slot = await this.#acquire(bundle);
    const process = slot?.bundle === bundle ? slot : this.#replace(slot, bundle);
    this.#busy.add(process);
    const { result, usable } = await this.#answer(process, options);
    this.#busy.delete(process);
    if (!usable) process.child.kill('SIGKILL');
    this.#release(usable ? process : null);
    return result;
  }

  close() {
    for (const process of [...this.#idle, ...this.#busy]) process?.child.kill('SIGKILL');
    this.#idle = [];
  }

  /** A process that has the bundle loaded, if one is idle; else any. */
  async #acquire(bundle) {
    if (this.#idle.length === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    const fit = this.#idle.findIndex((process) => process?.bundle === bundle);
    return this.#idle.splice(Math.max(fit, 0), 1)[0];
  }

  #release(process) {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(process);
    else next(process);
  }

  #replace(process, bundle) {
    process?.child.kill('SIGKILL');
    const child = fork(script, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' });
    const replacement = { child, bundle, stderr: '' };
    child.stderr.setEncoding('utf8').on('data', (text) => {
      replacement.stderr = (replacement.stderr + text).slice(-STDERR_KEPT);
    });
    return replacement;
  }

  #answer(process, options) {
    const { child } = process;
    return new Promise((resolve) => {
      const end = (result, usable) => {
        clearTimeout(timer);
        child.off('message', onMessage).off('close', onClose).off('error', onError);
        resolve({ result, usable });
      };
      const onMessage = (result) => end(result, true);
      const onClose = (code, signal) =>
        end(failed(options, 'crash', `the process ended (${signal ?? `status ${code}`}): ${process.stderr}`), false);
      const onError = (error) => end(failed(options, 'crash', error.message), false);
      const timer = setTimeout(
        () => end(failed(options, 'hang', `no answer within ${this.#timeoutMs / 1000} s`), false),
        this.#timeoutMs,
      );
      child.on('message', onMessage).on('close', onClose).on('error', onError);
      child.send({ bundle: process.bundle, options });
    });
  }
}

function failed({ seed }, invariant, message) {
  const violations = [{ invariant, at: 0, message: message.trim() }];
  return { seed, digest: null, violations, events: 0, virtualMs: 0, counters: {}, plan: [], cpuMs: 0 };
}
