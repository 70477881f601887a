// One start of a cluster, measured. Times are in ms from the spawn of the first process, memory is resident, in bytes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { harnessModule } from '../harness.mjs';

const { kcat } = harnessModule('kcat');
const { KafkaCluster } = harnessModule('kafka-cluster');
const { freePorts, OTTLA, scratchDir, start } = harnessModule('processes');

const TOPIC = 'first';
const DEADLINE_MS = 120_000;
const POLL_MS = 2;

/** kcat asks again at once when something is not there yet; by default it would wait up to a second between tries. */
const IMPATIENT = [
  ...['-X', 'reconnect.backoff.ms=5', '-X', 'reconnect.backoff.max.ms=20', '-X', 'retry.backoff.ms=5'],
  ...['-X', 'topic.metadata.refresh.fast.interval.ms=10', '-X', 'linger.ms=0'],
];

/** A fresh cluster by the built command, with empty data directories. */
export async function measureOttla(brokers, idleSeconds) {
  const scratch = scratchDir('bench');
  const port = await freePorts(brokers);
  const began = performance.now();
  const up = start(process.execPath, [
    ...[OTTLA, 'up', '--brokers', String(brokers), '--port', String(port), '--data', scratch.path],
  ]);
  try {
    const path = join(scratch.path, 'cluster.json');
    await until(began, 'ottla up wrote no cluster.json', () => existsSync(path), up);
    const servesMs = performance.now() - began;
    const file = JSON.parse(readFileSync(path, 'utf8'));
    const pids = { brokers: file.brokers.map(({ pid }) => pid), others: [up.child.pid, file.store.pid] };
    return { servesMs, ...(await produceThenIdle(file.bootstrap, began, pids, idleSeconds)) };
  } finally {
    await up.stop('SIGINT');
    scratch.remove();
  }
}

/** A fresh cluster of Apache Kafka; formatting its data directories, two seconds of a JVM each, is not counted. */
export async function measureKafka(brokers, idleSeconds) {
  const cluster = await KafkaCluster.prepare(brokers);
  const began = performance.now();
  cluster.start();
  try {
    for (const address of cluster.addresses) await until(began, `${address} is not open`, () => accepts(address));
    const servesMs = performance.now() - began;
    const pids = { brokers: cluster.pids, others: [] };
    return { servesMs, ...(await produceThenIdle(cluster.bootstrap, began, pids, idleSeconds)) };
  } catch (error) {
    throw new Error(`${error.message}\n${cluster.output()}`, { cause: error });
  } finally {
    await cluster.stop();
  }
}

async function produceThenIdle(bootstrap, began, pids, idleSeconds) {
  const all = [...pids.brokers, ...pids.others];
  const firstProduceMs = await produceOne(bootstrap, began);
  const cpuMs = sum(all.map(cpuTime));
  expectReplicas(bootstrap, pids.brokers.length);
  await sleep(idleSeconds * 1000);
  return {
    firstProduceMs,
    cpuMs,
    brokerBytes: pids.brokers.map(residentBytes),
    totalBytes: sum(all.map(residentBytes)),
  };
}

async function until(began, otherwise, ask, process) {
  while (!(await ask())) {
    if (process !== undefined && process.child.exitCode !== null) throw new Error(process.output());
    if (performance.now() - began > DEADLINE_MS) throw new Error(`${otherwise} in ${DEADLINE_MS / 1000} s`);
    await sleep(POLL_MS);
  }
}

/** One record with acks=all to a topic that the produce creates; starts kcat again while it gives up. */
async function produceOne(bootstrap, began) {
  const args = ['-P', '-b', bootstrap, '-t', TOPIC, '-X', 'acks=all', ...IMPATIENT];
  let said = '';
  await until(began, `kcat was not acknowledged`, async () => {
    const kcat = spawn('kcat', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    kcat.stderr.on('data', (chunk) => {
      said = String(chunk);
    });
    kcat.stdin.end('first\n');
    const [code] = await once(kcat, 'exit');
    return code === 0;
  }).catch((error) => {
    throw new Error(`${error.message}: ${said}`);
  });
  return performance.now() - began;
}

/** The produce would be no measure of replication if the topic had fewer replicas than there are brokers. */
function expectReplicas(bootstrap, brokers) {
  const metadata = JSON.parse(kcat(bootstrap, ['-L', '-J', '-t', TOPIC]).toString());
  const [partition] = metadata.topics[0].partitions;
  if (partition.replicas.length !== brokers) throw new Error(`${TOPIC} has ${partition.replicas.length} replicas`);
}

function accepts(address) {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const answer = (isOpen) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

function residentBytes(pid) {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

/** Hundredths of a second that a process has used, in user and system mode, as ms. */
function cpuTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name, in parentheses, may hold spaces; the times are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
