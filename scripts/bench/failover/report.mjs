// The measurements of bench-failover as a table.

export function isClean({ lost, duplicated, reordered }) {
  return lost + duplicated + reordered === 0;
}

export function failoverReport({ machine, store, runs }) {
  const heading = [
    'system',
    'failure',
    'client',
    'times',
    'gap median',
    'worst',
    'on return',
    'metadata median',
    'worst',
    'errors',
  ];
  const groups = Map.groupBy?.(runs, keyOf) ?? groupBy(runs, keyOf);
  const rows = [...groups.values()].map(row);
  return [
    `Node ${machine.node}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start; store ${store}.`,
    '',
    ...table([heading, ...rows]),
    '',
    verdict(runs),
  ].join('\n');
}

export function calmReport({ alarms, changes, gapMs, acknowledged, lost, duplicated, errors }, minutes) {
  return [
    `${minutes} minutes of full CPU load without a failure: ${alarms.length} false alarms, ${changes.length} changes of leaders, controller or brokers.`,
    `${acknowledged} acknowledged, longest gap ${ms(gapMs)}: lost ${lost}, duplicated ${duplicated}, errors ${errors.length}`,
    ...[...changes, ...alarms].slice(0, 20).map((line) => `  ${line}`),
  ].join('\n');
}

function keyOf({ system, what, client, settings }) {
  return [system, what, client, settings].join(' ');
}

function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

function row(runs) {
  const [{ system, what, client, settings }] = runs;
  const gaps = sorted(runs.map(({ gapMs }) => gapMs));
  const returned = sorted(runs.map(({ returnGapMs }) => returnGapMs).filter((gap) => gap !== null));
  const visible = sorted(runs.map(({ visibleMs }) => visibleMs).filter((ms) => ms !== null));
  const errors = runs.reduce((sum, run) => sum + run.errors.length, 0);
  return [
    system,
    what,
    `${client}, ${settings}`,
    String(runs.length),
    ms(median(gaps)),
    ms(gaps.at(-1)),
    ms(returned.at(-1)),
    ms(median(visible)),
    ms(visible.at(-1)),
    String(errors),
  ];
}

function verdict(runs) {
  const total = (name) => runs.reduce((sum, run) => sum + run[name], 0);
  return `${total('acknowledged')} acknowledged: lost ${total('lost')}, duplicated ${total('duplicated')}, reordered ${total('reordered')}`;
}

function sorted(numbers) {
  return [...numbers].sort((a, b) => a - b);
}

function median(numbers) {
  const middle = (numbers.length - 1) / 2;
  return numbers.length === 0 ? undefined : (numbers[Math.floor(middle)] + numbers[Math.ceil(middle)]) / 2;
}

function ms(value) {
  return value === undefined ? '-' : `${value.toFixed(0)} ms`;
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}
