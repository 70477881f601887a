// npm run bench:start: how long a cluster takes from its start until an acks=all produce by kcat is acknowledged, and
// how much memory idle brokers hold. With --peer kafka the same of Apache Kafka, in turn, in the same run.
import { spawnSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startReport } from './bench/start-report.mjs';
import { measureKafka, measureOttla } from './bench/start-runs.mjs';
import { harnessModule } from './harness.mjs';

const { KAFKA_INSTALL, KAFKA_NEEDS, KAFKA_VERSION } = harnessModule('kafka-tools');
const { hasProgram, ROOT } = harnessModule('processes');

const USAGE = `Usage: npm run bench:start -- [options]
  --peer kafka        measure Apache Kafka ${KAFKA_VERSION} too (needs java and mvn)
  --brokers N,N       cluster sizes (default: 1,3)
  --rounds N          measurements of each (default: 5)
  --idle-seconds N    how long brokers idle before their memory is read (default: 10)
  --json              print every measurement as JSON`;

const OPTIONS = {
  peer: { type: 'string' },
  brokers: { type: 'string', default: '1,3' },
  rounds: { type: 'string', default: '5' },
  'idle-seconds': { type: 'string', default: '10' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

function parseFlags() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return refuse(`${error.message}\n${USAGE}`);
  }
}

function count(name, text) {
  if (!/^\d+$/.test(text) || Number(text) < 1) refuse(`--${name} ${text}: expected a number, 1 or more`);
  return Number(text);
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}

const flags = parseFlags();
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}
const needs = ['kcat', ...(flags.peer === undefined ? [] : KAFKA_NEEDS)].filter((program) => !hasProgram(program));
if (needs.length > 0)
  refuse(`${needs.join(' and ')} missing: apt-get install kcat; with --peer kafka ${KAFKA_INSTALL}`);
if (flags.peer !== undefined && flags.peer !== 'kafka') refuse(`--peer ${flags.peer}: only kafka can be compared with`);
const sizes = flags.brokers.split(',').map((size) => count('brokers', size));
const rounds = count('rounds', flags.rounds);
const idleSeconds = count('idle-seconds', flags['idle-seconds']);

const built = spawnSync(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), '--if-stale'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);

const systems = [['ottla', measureOttla], ...(flags.peer === 'kafka' ? [['kafka', measureKafka]] : [])];
const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] };
const runs = [];
// Systems take turns, so that what else the machine does burdens all alike.
for (let round = 1; round <= rounds; round++) {
  for (const brokers of sizes) {
    for (const [system, measure] of systems) {
      if (!flags.json)
        console.error(`round ${round} of ${rounds}: ${system}, ${brokers} broker${brokers > 1 ? 's' : ''}`);
      runs.push({ system, brokers, round, ...(await measure(brokers, idleSeconds)) });
    }
  }
}
if (flags.json) console.log(JSON.stringify({ machine, runs }, null, 2));
else console.log(startReport({ machine, runs, sizes, peerVersion: KAFKA_VERSION }));
