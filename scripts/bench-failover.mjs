// npm run bench:failover: for how long a client that is none of ours waits for acknowledgements when brokers fail, whether
// anything is lost or there twice, and how soon metadata tells. With --peer kafka the same of Apache Kafka, in the same run.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { calmRun } from './bench/failover/calm.mjs';
import { CLIENTS } from './bench/failover/clients.mjs';
import { FAILURES, failOnce } from './bench/failover/failures.mjs';
import { calmReport, failoverReport, isClean } from './bench/failover/report.mjs';
import { KafkaSystem, OttlaSystem } from './bench/failover/systems.mjs';
import { harnessModule } from './harness.mjs';

const { KAFKA_INSTALL, KAFKA_NEEDS, KAFKA_VERSION } = harnessModule('kafka-tools');
const { hasProgram, ROOT } = harnessModule('processes');

const WHATS = [...Object.keys(FAILURES), 'calm'];
const USAGE = `Usage: npm run bench:failover -- [options]
  --what W,W           ${WHATS.join(', ')} (default: leader,controller,both)
  --minutes N          how long calm takes: no failure, but every core busy (default: 10)
  --kills N            failures of each kind, for each client (default: 30)
  --client C,C         ${CLIENTS.join(', ')}, each default or tuned: librdkafka:tuned (default: all four)
  --store S            embedded or etcd (default: embedded)
  --peer kafka         Apache Kafka ${KAFKA_VERSION} too (needs java and mvn)
  --peer-kills N       failures of each kind for the peer, for each client (default: 3)
  --interval-ms N      one record every so often (default: 5)
  --json FILE          write every measurement there (default: bench-failover.json)`;

const OPTIONS = {
  what: { type: 'string', default: 'leader,controller,both' },
  minutes: { type: 'string', default: '10' },
  kills: { type: 'string', default: '30' },
  client: { type: 'string', default: CLIENTS.flatMap((client) => [`${client}:default`, `${client}:tuned`]).join(',') },
  store: { type: 'string', default: 'embedded' },
  peer: { type: 'string' },
  'peer-kills': { type: 'string', default: '3' },
  'interval-ms': { type: 'string', default: '5' },
  json: { type: 'string', default: 'bench-failover.json' },
  help: { type: 'boolean', default: false },
};

function parseFlags() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return refuse(`${error.message}\n${USAGE}`);
  }
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}

function count(name) {
  if (!/^\d+$/.test(flags[name]) || Number(flags[name]) < 1)
    refuse(`--${name} ${flags[name]}: expected a number, 1 or more`);
  return Number(flags[name]);
}

function among(name, value, allowed) {
  if (!allowed.includes(value)) refuse(`--${name} ${value}: expected one of ${allowed.join(', ')}`);
  return value;
}

const flags = parseFlags();
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}
const whats = flags.what.split(',').map((what) => among('what', what, WHATS));
const clients = flags.client.split(',').map((text) => {
  const [client, settings = 'default'] = text.split(':');
  return { client: among('client', client, CLIENTS), settings: among('client', settings, ['default', 'tuned']) };
});
const store = among('store', flags.store, ['embedded', 'etcd']);
if (flags.peer !== undefined) among('peer', flags.peer, ['kafka']);
const intervalMs = count('interval-ms');

const wanted = ['kcat', 'python3', ...(store === 'etcd' ? ['etcd'] : []), ...(flags.peer ? KAFKA_NEEDS : [])];
const missing = wanted.filter((program) => !hasProgram(program));
if (missing.length > 0) {
  const install = `apt-get install kcat python3-venv etcd-server; with --peer kafka ${KAFKA_INSTALL}`;
  refuse(`${missing.join(' and ')} missing: ${install}`);
}
const built = spawnSync(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), '--if-stale'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);

async function onSystem(startSystem, use) {
  const system = await startSystem();
  try {
    return await use(system);
  } finally {
    await system.stop();
  }
}

/** Every kind of failure with every client, so many times each, on one cluster. */
async function measure(system, times) {
  const runs = [];
  for (const what of whats.filter((name) => name !== 'calm')) {
    for (const { client, settings } of clients) {
      for (let round = 1; round <= times; round++) {
        const topic = `${what}-${client}-${settings}-${round}`;
        const run = { system: system.name, what, client, settings, round, load: loadavg()[0] };
        Object.assign(run, await failOnce(system, { what, client, settings, topic, intervalMs }));
        await system.deleteTopic(topic);
        runs.push(run);
        console.error(progress(run, times));
      }
    }
  }
  return runs;
}

function progress({ system, what, client, settings, round, victim, gapMs, visibleMs, ...run }, times) {
  const visible = visibleMs === null ? '' : `, metadata after ${visibleMs.toFixed(0)} ms`;
  const wrong = isClean(run) ? '' : `  LOST ${run.lost} DUPLICATED ${run.duplicated} REORDERED ${run.reordered}`;
  const errors = run.errors.length === 0 ? '' : `  errors: ${run.errors.length} (${run.errors[0]})`;
  const gaps = `gap ${gapMs.toFixed(0)} ms (steady ${run.steadyGapMs.toFixed(0)}, return ${run.returnGapMs?.toFixed(0) ?? '-'})`;
  return `${system} ${what} ${client}:${settings} ${round}/${times}: broker ${victim}, ${gaps}${visible}${wrong}${errors}`;
}

const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] };
const runs = [];
const plan = [[() => OttlaSystem.start({ store }), count('kills')]];
if (flags.peer === 'kafka') plan.push([() => KafkaSystem.start(), count('peer-kills')]);
const isBroken = whats.some((what) => what !== 'calm');
for (const [startSystem, times] of isBroken ? plan : []) {
  runs.push(...(await onSystem(startSystem, (system) => measure(system, times))));
}
const calm = whats.includes('calm')
  ? await onSystem(plan[0][0], (system) => calmRun(system, { minutes: count('minutes'), ...clients[0], intervalMs }))
  : null;
writeFileSync(flags.json, `${JSON.stringify({ machine, store, intervalMs, runs, calm }, null, 2)}\n`);
if (runs.length > 0) console.log(failoverReport({ machine, store, runs, peerVersion: KAFKA_VERSION }));
if (calm !== null) console.log(calmReport(calm, count('minutes')));
const isQuiet = calm === null || (isClean(calm) && calm.alarms.length + calm.changes.length === 0);
process.exit(runs.every(isClean) && isQuiet ? 0 : 1);
