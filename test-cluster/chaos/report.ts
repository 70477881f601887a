import type { Journal } from './clients/journal';

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
  /** Between reads of a partition. */
  readonly fetch: number;
}

export function gapsOf(journal: Journal, { from, to }: { from: number; to: number }): Gaps {
  const produce = new Map<string, number>();
  for (const stream of journal.produced) {
    const gap = stream.longestGap(from, to);
    produce.set(stream.client, Math.max(produce.get(stream.client) ?? 0, gap));
  }
  const fetch = Math.max(0, ...journal.consumed.map((stream) => stream.longestGap(from, to)));
  return { produce, fetch };
}

/** The longest unavailability per kind of fault, as a table. */
export function gapTable(journal: Journal, episodes: readonly Episode[]): string[] {
  const clients = [...new Set(journal.produced.map(({ client }) => client))];
  const heading = ['fault', 'times', ...clients.map((client) => `acks, ${client}`), 'reads', 'whole again after'];
  const rows = [...new Set(episodes.map(({ kind }) => kind))].map((kind) => {
    const ofKind = episodes.filter((episode) => episode.kind === kind);
    const gaps = ofKind.map((episode) => gapsOf(journal, episode));
    const longest = (pick: (gap: Gaps) => number): string => seconds(Math.max(...gaps.map(pick)));
    const whole = Math.max(...ofKind.map(({ healedAt, to }) => to - healedAt));
    return [
      ...[kind, String(ofKind.length)],
      ...clients.map((client) => longest(({ produce }) => produce.get(client) ?? 0)),
      ...[longest(({ fetch }) => fetch), seconds(whole)],
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
