import type { Journal, Stream } from './clients/journal';

/** One fault, from its first blow until everything was whole again. Times are monotonic, ms. */
export interface Episode {
  readonly kind: string;
  readonly from: number;
  /** When the fault was undone. */
  readonly healedAt: number;
  /** When every ISR was full, and every client went on. */
  readonly to: number;
}

/** The longest times that a client waited in an episode, ms. */
export interface Gaps {
  /** Between acknowledgements of a partition, by client. */
  readonly produce: ReadonlyMap<string, number>;
  /** Between reads of a partition, by client. */
  readonly fetch: ReadonlyMap<string, number>;
}

export function gapsOf({ produced, consumed }: Journal, episode: Pick<Episode, 'from' | 'to'>): Gaps {
  return { produce: longestGaps(produced, episode), fetch: longestGaps(consumed, episode) };
}

function longestGaps(streams: readonly Stream[], { from, to }: Pick<Episode, 'from' | 'to'>): Map<string, number> {
  const gaps = new Map<string, number>();
  for (const stream of streams) {
    gaps.set(stream.client, Math.max(gaps.get(stream.client) ?? 0, stream.longestGap(from, to)));
  }
  return gaps;
}

export function showGaps({ produce, fetch }: Gaps): string {
  const show = (gaps: ReadonlyMap<string, number>): string =>
    [...gaps].map(([client, gap]) => `${client} ${seconds(gap)}`).join(', ');
  return `without acknowledgement: ${show(produce)}; without a read: ${show(fetch)}`;
}

export function longestOf({ produce, fetch }: Gaps): number {
  return Math.max(0, ...produce.values(), ...fetch.values());
}

/** The longest unavailability per kind of fault, as a table. */
export function gapTable(journal: Journal, episodes: readonly Episode[]): string[] {
  const clients = [...new Set(journal.produced.map(({ client }) => client))];
  const columns = ['acks', 'reads'].flatMap((what) => clients.map((client) => `${what}, ${client}`));
  const heading = ['fault', 'times', ...columns, 'whole again after'];
  const rows = [...new Set(episodes.map(({ kind }) => kind))].map((kind) => {
    const ofKind = episodes.filter((episode) => episode.kind === kind);
    const gaps = ofKind.map((episode) => gapsOf(journal, episode));
    const longest = (pick: (gap: Gaps) => number): string => seconds(Math.max(...gaps.map(pick)));
    const whole = Math.max(...ofKind.map(({ healedAt, to }) => to - healedAt));
    return [
      ...[kind, String(ofKind.length)],
      ...clients.map((client) => longest(({ produce }) => produce.get(client) ?? 0)),
      ...clients.map((client) => longest(({ fetch }) => fetch.get(client) ?? 0)),
      seconds(whole),
    ];
  });
  return alignColumns([heading, ...rows]);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}
