// A cluster under full CPU load in which nobody fails: nobody may be taken for dead.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load, longestGap } from './load.mjs';
import { askOnce, monotonicMs } from './metadata.mjs';
import { compare, readSequences } from './read-back.mjs';

const BURN = 'for (let x = 0; ; x++) Math.sqrt(x);';
const LOOK_EVERY_MS = 1_000;
/** What brokers log when somebody is taken for dead, or takes himself for cut off. */
const ALARM = /fence broker|deposed controller|no longer the controller|taken for dead|lost the lease|was deleted by/;

/**
 * Burns every core for so many minutes, the first half of the time beside an idle cluster and the second beside one that
 * is produced to. Answers what changed that should not have.
 */
export async function calmRun(system, { minutes, client, settings, intervalMs }) {
  await system.createTopic('calm', 1);
  const before = await stateOf(system);
  const burners = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', BURN], { stdio: 'ignore' }),
  );
  let load = null;
  const half = (minutes * 60_000) / 2;
  const changes = [];
  try {
    changes.push(...(await watch(system, before, half)));
    load = new Load({ client, settings, bootstrap: system.bootstrap, topic: 'calm', intervalMs });
    await load.warm(1_000);
    changes.push(...(await watch(system, before, half)));
    await load.finish();
    const read = readSequences(system.bootstrap, 'calm');
    const account = compare(load.acknowledged, read);
    return {
      changes: [...new Set(changes)],
      alarms: alarmsIn(system),
      gapMs: longestGap(load.acknowledged, load.acknowledged[0].at + 1_000).ms,
      acknowledged: load.acknowledged.length,
      lost: account.lost.length,
      duplicated: account.duplicated.length,
      reordered: account.reordered.length,
      errors: load.failed.map(({ error }) => error),
    };
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
    await load?.kill();
  }
}

async function watch(system, before, ms) {
  const changes = [];
  const end = monotonicMs() + ms;
  while (monotonicMs() < end) {
    await sleep(Math.min(LOOK_EVERY_MS, end - monotonicMs()));
    const now = await stateOf(system).catch((error) => ({ error: error.message }));
    for (const name of Object.keys(before)) {
      if (now.error === undefined && now[name] !== before[name])
        changes.push(`${name}: ${before[name]} became ${now[name]}`);
    }
  }
  return changes;
}

/** What may only change by a failure. */
async function stateOf(system) {
  const { controller, brokers, topics } = await askOnce(system.addressOf(1), null);
  const epochs = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, leaderEpoch }) => [`leader epoch of ${name}-${partitionIndex}`, leaderEpoch]),
  );
  return { controller, brokers: brokers.map(({ nodeId }) => nodeId).join(), ...Object.fromEntries(epochs) };
}

function alarmsIn(system) {
  return system.ids.flatMap((id) =>
    readFileSync(system.logOf(id), 'utf8')
      .split('\n')
      .filter((line) => ALARM.test(line))
      .map((line) => `broker ${id}: ${line}`),
  );
}
