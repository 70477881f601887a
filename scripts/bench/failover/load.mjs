// A running load: a client in a process of its own, and what it said so far.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { harnessModule } from '../../harness.mjs';
import { programOf, SETTINGS } from './clients.mjs';

const { start } = harnessModule('processes');
const { waitFor } = harnessModule('wait');

const FLUSH_MS = 30_000;

export class Load {
  /** `{ sequence, at }` in the order of the acknowledgements; `at` in monotonic ms. */
  acknowledged = [];
  /** `{ sequence, at, error }` of records that the client gave up. */
  failed = [];
  /** `{ at, error }` that the client told of beside. */
  notices = [];
  /** How many records were sent; known at the end. */
  sent = null;
  #process;

  constructor({ client, settings, bootstrap, topic, intervalMs }) {
    const [program, ...args] = programOf(client);
    const job = { bootstrap, topic, intervalMs, flushMs: FLUSH_MS, settings: SETTINGS[client][settings] };
    this.#process = start(program, [...args, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.#process.child.stdout }).on('line', (line) => this.#onLine(line));
  }

  /** Waits until it has been acknowledged steadily for so long: its first requests take longer than later ones. */
  async warm(ms) {
    const [first] = await this.until('the first acknowledgement', () => this.acknowledged[0] && [this.acknowledged[0]]);
    await this.until('a steady load', () => this.acknowledged.at(-1).at > first.at + ms);
  }

  /** Waits until an acknowledgement at or after `at` has come. */
  acknowledgedAfter(at, timeoutMs) {
    return this.until(`an acknowledgement`, () => (this.acknowledged.at(-1)?.at ?? 0) >= at, timeoutMs);
  }

  until(what, condition, timeoutMs = 30_000) {
    return waitFor(`${what} of the load`, () => this.#alive() && condition(), timeoutMs, 10);
  }

  /** Sends no more, waits for what is under way, and ends. */
  async finish() {
    const { child } = this.#process;
    child.stdin.end();
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    const timer = setTimeout(() => child.kill('SIGKILL'), FLUSH_MS + 10_000);
    await exited;
    clearTimeout(timer);
    await waitFor('the last line of the load', () => this.sent !== null, 2_000, 5).catch(() => {
      throw new Error(`the load ended without a last word: ${this.#process.output().slice(-2_000)}`);
    });
  }

  async kill() {
    await this.#process.stop('SIGKILL');
  }

  #alive() {
    const { exitCode } = this.#process.child;
    if (exitCode !== null) throw new Error(`the load exited with ${exitCode}: ${this.#process.output().slice(-2_000)}`);
    return true;
  }

  #onLine(line) {
    const [kind, first, second, ...rest] = line.split(' ');
    if (kind === '+') this.acknowledged.push({ sequence: Number(first), at: Number(second) });
    else if (kind === '!') this.failed.push({ sequence: Number(first), at: Number(second), error: rest.join(' ') });
    else if (kind === '~') this.notices.push({ at: Number(first), error: [second, ...rest].join(' ') });
    else if (kind === '=') this.sent = Number(first);
  }
}

/** The longest time between two acknowledgements that follow each other, of those that touch `[from, to]`. */
export function longestGap(acknowledged, from, to = Number.POSITIVE_INFINITY) {
  let longest = { ms: 0, at: null };
  for (let index = 1; index < acknowledged.length; index++) {
    const [before, after] = [acknowledged[index - 1].at, acknowledged[index].at];
    if (after < from || before > to) continue;
    if (after - before > longest.ms) longest = { ms: after - before, at: before };
  }
  return longest;
}
