// The measurements of bench-start as a table of medians, lowest and highest in parentheses.

/** Targets of the project, by cluster size; ms and bytes. */
const TARGETS = { firstProduceMs: { 1: 700, 3: 1500 }, brokerBytes: { 1: 110e6, 3: 110e6 } };

const MEASURES = [
  { key: 'servesMs', name: 'all brokers serve', show: seconds },
  { key: 'firstProduceMs', name: 'first acks=all produce', show: seconds },
  { key: 'cpuMs', name: 'CPU time until then', show: seconds },
  { key: 'brokerBytes', name: 'memory of an idle broker', show: megabytes },
  { key: 'totalBytes', name: 'memory of all processes', show: megabytes },
];

export function startReport({ machine, runs, sizes, peerVersion }) {
  const peer = runs.some(({ system }) => system === 'kafka');
  const heading = ['', 'Ottla', ...(peer ? [`Apache Kafka ${peerVersion}`, 'ratio'] : []), 'target'];
  const rows = sizes.flatMap((brokers) => MEASURES.map((measure) => row(measure, brokers, runs, peer)));
  const rounds = Math.max(...runs.map(({ round }) => round));
  return [
    `Medians (lowest to highest) of ${rounds} fresh starts; Node ${machine.node}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start.`,
    ...(machine.load > machine.cores / 2 ? ['The machine is busy: compare, but do not quote.'] : []),
    '',
    ...table([heading, ...rows]),
  ].join('\n');
}

function row(measure, brokers, runs, peer) {
  const of = (system) =>
    summary(
      measure,
      runs.filter((run) => run.system === system && run.brokers === brokers),
    );
  const ottla = of('ottla');
  const kafka = peer ? of('kafka') : null;
  const target = TARGETS[measure.key]?.[brokers];
  return [
    `${measure.name}, ${brokers === 1 ? '1 broker' : `${brokers} brokers`}`,
    ottla.text,
    ...(kafka === null ? [] : [kafka.text, `${(kafka.median / ottla.median).toFixed(1)}x`]),
    target === undefined ? '' : `< ${measure.show(target)}: ${ottla.median < target ? 'met' : 'missed'}`,
  ];
}

function summary({ key, show }, runs) {
  const sorted = runs.flatMap((run) => run[key]).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, text: `${show(median)} (${show(sorted[0])} to ${show(sorted.at(-1))})` };
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}
