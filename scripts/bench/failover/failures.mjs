// One failure under load, measured: a fresh topic and a fresh client each time, on a cluster that goes on living.
import { setTimeout as sleep } from 'node:timers/promises';
import { Load, longestGap } from './load.mjs';
import { MetadataConnection, monotonicMs, untilSeen } from './metadata.mjs';
import { compare, readSequences } from './read-back.mjs';

const WARM_MS = 1_500;
/** How long the load goes on after it is acknowledged again. */
const AFTER_MS = 2_000;
const RECOVERY_TIMEOUT_MS = 90_000;

/**
 * Each kind of failure: whom it strikes (`leads`: the broker is made leader of the load's partition; `controls`: it is
 * the controller), and how.
 */
export const FAILURES = {
  leader: { leads: true, controls: false, strike: kill },
  controller: { leads: false, controls: true, strike: kill },
  both: { leads: true, controls: true, strike: kill },
  stop: { leads: true, controls: false, strike: stop },
  'stop-both': { leads: true, controls: true, strike: stop },
  restart: { leads: true, controls: false, strike: restart },
};

/** Brings about one failure and answers what a client saw of it; times in ms. */
export async function failOnce(system, { what, client, settings, topic, intervalMs }) {
  const failure = FAILURES[what];
  const { victim, leader } = await castRoles(system, failure);
  await system.createTopic(topic, leader);
  const load = new Load({ client, settings, bootstrap: system.bootstrap, topic, intervalMs });
  try {
    await load.warm(WARM_MS);
    const began = monotonicMs();
    const result = await failure.strike(system, { victim, topic, load, leads: failure.leads });
    await system.untilInSync(topic);
    await sleep(500);
    await load.finish();
    const { struckAt, recoveredAt, ...seen } = result;
    return {
      victim,
      steadyGapMs: longestGap(acknowledgedBefore(load, struckAt), began - WARM_MS / 2).ms,
      gapMs: longestGap(load.acknowledged, struckAt, recoveredAt).ms,
      returnGapMs: recoveredAt === undefined ? null : longestGap(load.acknowledged, recoveredAt).ms,
      ...seen,
      ...accountOf(load, system, topic),
    };
  } finally {
    await load.kill();
  }
}

function acknowledgedBefore(load, at) {
  return load.acknowledged.filter((acknowledgement) => acknowledgement.at < at);
}

/** What became of every record, by what the client was told and what is read back. */
function accountOf(load, system, topic) {
  const read = readSequences(system.bootstrap, topic);
  const { lost, duplicated, reordered } = compare(load.acknowledged, read);
  return {
    acknowledged: load.acknowledged.length,
    lost: lost.length,
    duplicated: duplicated.length,
    reordered: reordered.length,
    errors: load.failed.map(({ error }) => error),
    notices: load.notices.map(({ error }) => error),
  };
}

async function castRoles(system, { leads, controls }) {
  const controller = await system.controller();
  const others = system.ids.filter((id) => id !== controller);
  const other = others[Math.floor(Math.random() * others.length)];
  const victim = controls ? controller : other;
  return { victim, leader: leads ? victim : other };
}

/** Kill -9; the broker is started again once the load goes on. */
async function kill(system, { victim, topic, load, leads }) {
  const watch = await watchMetadata(system, victim, topic, leads);
  const struckAt = system.signal(victim, 'SIGKILL');
  const visibleMs = await watch.visibleAfter(struckAt);
  await load.acknowledgedAfter(struckAt + AFTER_MS, RECOVERY_TIMEOUT_MS);
  const recoveredAt = monotonicMs();
  await system.restart(victim);
  return { struckAt, recoveredAt, visibleMs };
}

/** The process is stopped, and continued once the load goes on: it must then notice that it leads no more. */
async function stop(system, { victim, topic, load, leads }) {
  const watch = await watchMetadata(system, victim, topic, leads);
  const struckAt = system.signal(victim, 'SIGSTOP');
  try {
    const visibleMs = await watch.visibleAfter(struckAt);
    await load.acknowledgedAfter(struckAt + AFTER_MS, RECOVERY_TIMEOUT_MS);
    return { struckAt, recoveredAt: monotonicMs(), visibleMs };
  } finally {
    system.signal(victim, 'SIGCONT');
  }
}

/** As an operator restarts a broker: SIGTERM, and started again when its process has ended. All of it counts. */
async function restart(system, { victim, load }) {
  const struckAt = system.signal(victim, 'SIGTERM');
  await system.restart(victim);
  await load.acknowledgedAfter(monotonicMs() + AFTER_MS, RECOVERY_TIMEOUT_MS);
  return { struckAt, visibleMs: null };
}

/**
 * Asks each broker but the victim. What must be seen: another leader; where the victim didn't lead, that it is out of
 * sync, for which acks=all waits.
 */
async function watchMetadata(system, victim, topic, leads) {
  const connections = system.ids
    .filter((id) => id !== victim)
    .map((id) => new MetadataConnection(system.addressOf(id)));
  for (const connection of connections) await connection.ask(topic);
  const seen = ({ leaderId, isrNodes }) =>
    leads ? leaderId >= 0 && leaderId !== victim : leaderId >= 0 && !isrNodes.includes(victim);
  return {
    visibleAfter: async (struckAt) => {
      const options = { topic, seen, timeoutMs: RECOVERY_TIMEOUT_MS };
      const moments = await Promise.all(connections.map((connection) => untilSeen(connection, options)));
      for (const connection of connections) connection.close();
      return moments.includes(null) ? null : Math.max(...moments) - struckAt;
    },
  };
}
