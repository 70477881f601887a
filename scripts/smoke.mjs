// Starts a one-broker cluster on another Node, sends lines through `ottla produce`, reads them back by `ottla consume`
// and stops it. Usage: node scripts/smoke.mjs NODE, the path of a binary or a major version (fetched from npm).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { harnessModule } from './harness.mjs';

const { freePorts, OTTLA, scratchDir, start } = harnessModule('processes');
const { newerNode } = harnessModule('newer-node');
const { waitFor } = harnessModule('wait');

const TOPIC = 'smoke';
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

const [argument] = process.argv.slice(2);
if (argument === undefined) {
  console.error('usage: node scripts/smoke.mjs NODE (the path of a binary, or a major version such as 24)');
  process.exit(2);
}

const node = /^\d+$/.test(argument) ? newerNode(Number(argument)) : argument;
const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
if (!version) throw new Error(`${node} is no Node binary`);

function ottla(args, input) {
  const { status, stdout, stderr } = spawnSync(node, [OTTLA, ...args], { encoding: 'utf8', input, timeout: 60_000 });
  if (status !== 0) throw new Error(`ottla ${args.join(' ')} exited ${status} on ${version}: ${stderr}${stdout}`);
  return stdout;
}

function expectSame(what, actual, expected) {
  if (actual !== expected)
    throw new Error(`${what} on ${version}: ${actual.length} characters, not the ${expected.length} sent`);
}

async function roundTrips(file) {
  const bootstrap = ['--bootstrap', JSON.parse(readFileSync(file, 'utf8')).bootstrap];
  const lines = CODECS.map((codec) => Array.from({ length: 500 }, (_, index) => `${codec} ${index}\n`).join(''));
  ottla(['topics', 'create', TOPIC, '--partitions', '1', ...bootstrap]);
  for (const [index, compression] of CODECS.entries()) {
    ottla(['produce', '--topic', TOPIC, '--compression', compression, ...bootstrap], lines[index]);
  }
  const read = ottla(['consume', '--topic', TOPIC, '--from', 'earliest', '--exit-at-end', ...bootstrap]);
  expectSame('what was consumed', read, lines.join(''));
}

const dir = scratchDir('smoke');
const port = await freePorts(1);
const up = start(node, [OTTLA, 'up', '--brokers', '1', '--port', String(port), '--data', dir.path]);
try {
  const file = join(dir.path, 'cluster.json');
  await waitFor(`${file}`, () => {
    if (up.child.exitCode !== null) throw new Error(`ottla up exited ${up.child.exitCode}: ${up.output()}`);
    return existsSync(file);
  });
  await roundTrips(file);
  await up.stop('SIGINT');
  if (up.child.exitCode !== 0) throw new Error(`ottla up exited ${up.child.exitCode} after Ctrl-C: ${up.output()}`);
  console.log(`Node ${version}: up, produce with ${CODECS.join(', ')}, consume and stop work`);
} finally {
  await up.stop('SIGKILL');
  dir.remove();
}
