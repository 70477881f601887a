import { partitionForGroup } from '@ottla/groups';
import type { CommittedTold } from '../../history/events';
import { eventsOf, groupedBy } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';
import { isUnheard } from './coordinators';

const INVARIANT = '7 committed offsets';
const OFFSETS_TOPIC = '__consumer_offsets';

interface Commit {
  readonly name: string;
  readonly offset: number;
  /** Index of its sending. */
  readonly begun: number;
  /** Index of its acknowledgement; infinite while its fate is unknown. */
  end: number;
  endedAt: number;
  /** Who acknowledged it; -1 when nobody did. */
  broker: number;
  refused: boolean;
}

/**
 * A coordinator never answers an older committed offset than it acknowledged: the commit that it tells of isn't followed by
 * one that began after it had been acknowledged, and that was acknowledged before the question. A commit without an answer may
 * take effect at any time. A coordinator that hasn't heard yet that it was deposed answers what it acknowledged itself. Exempt: what was acknowledged before `Exemptions` lets records of the group's partition of
 * `__consumer_offsets` vanish.
 */
export function groupOffsets(seen: Seen): Violation[] {
  const violations: Violation[] = [];
  const commits = allCommits(seen);
  for (const { index, event } of eventsOf(seen.history, 'committed-told')) {
    const list = commits.get(placeOf(event)) ?? [];
    violations.push(...outdated(seen, index, event, list));
  }
  return violations;
}

function allCommits({ history }: Seen): Map<string, Commit[]> {
  const byName = new Map<string, Commit>();
  const placed: { place: string; commit: Commit }[] = [];
  for (const { index, event } of eventsOf(history, 'commit-sent', 'commit-acked', 'commit-refused')) {
    if (event.type === 'commit-sent') {
      const { commit: name, offset } = event;
      const end = Number.POSITIVE_INFINITY;
      const commit = { name, offset, begun: index, end, endedAt: end, broker: -1, refused: false };
      byName.set(name, commit);
      placed.push({ place: placeOf(event), commit });
      continue;
    }
    const commit = byName.get(event.commit);
    if (commit === undefined) continue;
    commit.refused = event.type === 'commit-refused';
    if (event.type === 'commit-acked') commit.broker = event.broker;
    commit.end = index;
    commit.endedAt = event.at;
  }
  const lists = groupedBy(placed, ({ place }) => place);
  return new Map([...lists].map(([place, list]) => [place, list.map(({ commit }) => commit)]));
}

function outdated(seen: Seen, index: number, told: CommittedTold, commits: readonly Commit[]): Violation[] {
  const source = told.offset < 0 ? null : commits.find(({ name }) => name === told.commit);
  if (source === undefined) return [violation(told, 'which nobody committed')];
  if (source !== null && source.offset !== told.offset) return [violation(told, `committed as ${source.offset}`)];
  if (source?.refused) return [violation(told, 'which was refused')];
  if (source !== null && source.begun > index) return [violation(told, 'which nobody had committed yet')];
  const lostBefore = lossOf(seen, told);
  const unheard = isUnheard(seen.truth, told.group, told.broker, told.at);
  const newer = commits.find(
    (commit) =>
      !commit.refused &&
      commit.end < told.sent &&
      commit.endedAt > lostBefore &&
      (commit.broker === told.broker || !unheard) &&
      (source === null || source.end < commit.begun),
  );
  if (newer === undefined) return [];
  return [violation(told, `after ${newer.offset} (${newer.name}) was acknowledged at ${newer.endedAt.toFixed(1)} ms`)];
}

/** Before when commits of this group may have vanished. */
function lossOf({ truth, exemptions }: Seen, { group, at }: CommittedTold): number {
  let lost = Number.NEGATIVE_INFINITY;
  for (const { value, at: since } of truth.topics.get(OFFSETS_TOPIC) ?? []) {
    if (value === null || since > at) continue;
    const key = `${value.topicId}/${partitionForGroup(group, value.partitions)}`;
    for (const exemption of exemptions.of(key)) if (exemption.at <= at) lost = Math.max(lost, exemption.at + MARGIN_MS);
  }
  return lost;
}

/** A coordinator that was deposed by an unclean election may acknowledge until it hears of it. */
const MARGIN_MS = 5_000;

function violation({ group, topic, partition, offset, commit, at }: CommittedTold, why: string): Violation {
  const what = offset < 0 ? 'no committed offset' : `committed offset ${offset} (${commit})`;
  return {
    invariant: INVARIANT,
    at,
    message: `group ${group}, ${topic}-${partition}: the coordinator told ${what}, ${why}`,
  };
}

function placeOf({ group, topic, partition }: { group: string; topic: string; partition: number }): string {
  return `${group} ${topic}-${partition}`;
}
