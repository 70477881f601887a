import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchDir } from '../harness/processes';
import { type Finding, FLAWS, type Flaw } from './check';
import { monotonicMs } from './clients/journal';
import { Draw } from './draw';
import { chooseKinds, Deck } from './faults/deck';
import { type FaultKind, type FaultScale, PARTITIONS, TOPICS } from './faults/fault';
import { Load } from './load';
import { missingCapabilities } from './machine/capabilities';
import { ChaosCluster } from './machine/chaos-cluster';
import type { ChaosOptions } from './options';
import { type Episode, gapsOf, gapTable, longestOf, seconds, showGaps } from './report';

const QUIET_MS = 3_000;
const OUTAGE_MS = { least: 12_000, most: 60_000 };
const SHOWN_FINDINGS = 20;

export interface ChaosResult {
  /** How many of each flaw the checker found; null when what was written could not be read back. */
  readonly flaws: Readonly<Record<Flaw, number>> | null;
  /** What went wrong beside that, a sentence each. */
  readonly failures: readonly string[];
  /** Kinds of fault that this machine can't make, with how to get what they need. */
  readonly skipped: readonly string[];
  readonly episodes: readonly Episode[];
  readonly acknowledged: number;
}

/** One run of a cluster under faults; `say` gets its report line by line. */
export class ChaosRun {
  private readonly kinds: ReturnType<typeof chooseKinds>;
  private readonly missing = missingCapabilities();
  private readonly scratch: { readonly path: string };
  private readonly episodes: Episode[] = [];
  private readonly failures: string[] = [];
  private cluster: ChaosCluster | null = null;
  private load: Load | null = null;
  private began = monotonicMs();
  private state: 'running' | 'finished' | 'stopped' = 'running';

  /** @throws Error when the options name a kind of fault that there isn't. */
  constructor(
    private readonly options: ChaosOptions,
    private readonly print: (line: string) => void,
  ) {
    this.kinds = chooseKinds(options.kinds, this.missing);
    this.scratch = scratchDir('chaos');
  }

  /** Ends at once, and leaves nothing behind. Nothing happens once it has finished. */
  removeNow(): void {
    if (this.state !== 'running') return;
    this.state = 'stopped';
    this.clear();
    rmSync(this.scratch.path, { recursive: true, force: true });
  }

  async run(): Promise<ChaosResult> {
    const { options, missing } = this;
    const { possible, skipped } = this.kinds;
    this.print(`seed ${options.seed}; ${options.brokers} brokers, ${options.store}; logs in ${this.scratch.path}`);
    for (const sentence of skipped) this.print(`skipped: ${sentence}`);
    let found: Awaited<ReturnType<Load['finish']>> | null = null;
    try {
      const can = (capability: string): boolean => !missing.some((each) => each.capability === capability);
      await this.start(can('namespaces'), can('mounts'));
      await this.makeFaults(new Deck(possible, new Draw(options.seed)));
      found = await this.load!.finish();
    } catch (error) {
      if (this.state === 'stopped') throw error;
      this.fail((error as Error).message);
    }
    const result = this.resultOf(found, skipped);
    this.report(result, found?.findings ?? []);
    this.finish(isClean(result) && !options.keep);
    return result;
  }

  private async start(namespaces: boolean, mounts: boolean): Promise<void> {
    const { options } = this;
    this.cluster = await ChaosCluster.prepare({
      ...{ dir: this.scratch.path, brokers: options.brokers, store: options.store, namespaces, mounts },
      diskMegabytes: 256 + Math.ceil(options.minutes * 8),
    });
    await this.cluster.start();
    for (const topic of TOPICS) await this.cluster.createTopic(topic, PARTITIONS);
    this.load = new Load(this.cluster.bootstrap, join(this.scratch.path, 'clients.log'));
    await this.load.start();
    await this.cluster.untilWhole();
    this.began = monotonicMs();
    await this.observe('(no fault)', () => sleep(QUIET_MS));
  }

  private async makeFaults(deck: Deck): Promise<void> {
    const draw = new Draw(this.options.seed + 1);
    const runMs = this.options.minutes * 60_000;
    const outageMs = Math.min(OUTAGE_MS.most, Math.max(OUTAGE_MS.least, runMs / 10));
    while (this.state === 'running' && this.failures.length === 0 && monotonicMs() - this.began < runMs) {
      await this.strike(deck.next(), draw, { outageMs });
    }
  }

  private async strike(kind: FaultKind, draw: Draw, scale: FaultScale): Promise<void> {
    const cluster = this.cluster!;
    const fault = kind.draw(draw, scale);
    const say = (what: string): void => this.sayAt(`${kind.name}: ${what}`);
    const episode = await this.observe(kind.name, () => fault({ cluster, topics: TOPICS, say }));
    const gaps = gapsOf(this.load!.journal, episode);
    say(`whole after ${seconds(episode.to - episode.healedAt)}; ${showGaps(gaps)}`);
    const longest = longestOf(gaps);
    if (kind.maxGapMs !== undefined && longest > kind.maxGapMs)
      this.fail(`${kind.name}: clients waited ${seconds(longest)}, more than ${seconds(kind.maxGapMs)}`);
  }

  /** Does something, and waits until the cluster is whole again and every client goes on. */
  private async observe(kind: string, action: () => Promise<void>): Promise<Episode> {
    const from = monotonicMs();
    await action();
    const healedAt = monotonicMs();
    await this.cluster!.untilWhole();
    await this.load!.untilFlowing(healedAt);
    const episode = { kind, from, healedAt, to: monotonicMs() };
    this.episodes.push(episode);
    for (const crash of this.cluster!.crashes.splice(0)) this.fail(crash);
    return episode;
  }

  private fail(sentence: string): void {
    this.failures.push(sentence);
    this.sayAt(`FAILED: ${sentence}`);
  }

  private sayAt(what: string): void {
    const elapsed = Math.max(0, Math.floor((monotonicMs() - this.began) / 1000));
    const clock = `${String(Math.floor(elapsed / 60)).padStart(2, '0')}:${String(elapsed % 60).padStart(2, '0')}`;
    this.print(`${clock}  ${what}`);
  }

  private resultOf(found: Awaited<ReturnType<Load['finish']>> | null, skipped: readonly string[]): ChaosResult {
    const journal = this.load?.journal;
    for (const { name, failed } of journal?.produced ?? []) {
      if (failed.length > 0) this.fail(`${name} gave up ${failed.length} records; the first: ${failed[0]!.error}`);
    }
    for (const crash of this.cluster?.crashes.splice(0) ?? []) this.fail(crash);
    const count = (flaw: Flaw): number => found!.findings.filter((finding) => finding.flaw === flaw).length;
    const flaws = found === null ? null : (Object.fromEntries(FLAWS.map((flaw) => [flaw, count(flaw)])) as never);
    const { failures, episodes } = this;
    return { flaws, failures, skipped, episodes, acknowledged: found?.acknowledged ?? 0 };
  }

  private report(result: ChaosResult, findings: readonly Finding[]): void {
    const { print, options } = this;
    print('');
    if (this.load !== null) for (const row of gapTable(this.load.journal, this.episodes)) print(row);
    print('');
    for (const { sentence } of findings.slice(0, SHOWN_FINDINGS)) print(sentence);
    if (findings.length > SHOWN_FINDINGS) print(`and ${findings.length - SHOWN_FINDINGS} more`);
    for (const sentence of result.failures) print(`FAILED: ${sentence}`);
    if (result.flaws === null) print('what was written could not be read back');
    else {
      print(`${result.acknowledged} records acknowledged, read back by kcat and kafkajs`);
      print(`consumers: ${shown(result.flaws, ['changed', 'skipped', 'rewound'])}`);
      print(shown(result.flaws, ['lost', 'duplicated', 'reordered']));
    }
    if (isClean(result)) return;
    const kinds = options.kinds.length === 0 ? '' : ` --faults '${options.kinds.join(',')}'`;
    const same = `--minutes ${options.minutes} --store ${options.store} --brokers ${options.brokers}${kinds}`;
    print(`the same faults again: npm run chaos -- ${same} --seed ${options.seed}`);
    print(`logs and data are kept in ${this.scratch.path}`);
  }

  private finish(removeDir: boolean): void {
    this.state = 'finished';
    this.load?.killNow();
    this.cluster?.endNow();
    if (!removeDir) this.cluster?.keepData();
    this.clear();
    if (removeDir) rmSync(this.scratch.path, { recursive: true, force: true });
  }

  private clear(): void {
    this.load?.killNow();
    this.cluster?.removeNow();
  }
}

export function isClean({ flaws, failures }: ChaosResult): boolean {
  return failures.length === 0 && flaws !== null && FLAWS.every((flaw) => flaws[flaw] === 0);
}

function shown(flaws: Readonly<Record<Flaw, number>>, which: readonly Flaw[]): string {
  return which.map((flaw) => `${flaw} ${flaws[flaw]}`).join(', ');
}
