// The clusters that are measured: three brokers each, seen alike.
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { harnessModule } from '../../harness.mjs';
import { askOnce } from './metadata.mjs';

const { RunningCluster } = harnessModule('cluster');
const { startEtcd } = harnessModule('etcd');
const { KafkaCluster } = harnessModule('kafka-cluster');
const { runKafkaTool } = harnessModule('kafka-tools');
const { isAlive } = harnessModule('processes');
const { waitFor } = harnessModule('wait');

const IDS = [1, 2, 3];
const BACK_TIMEOUT_MS = 120_000;

/** What both systems have in common. */
class System {
  get ids() {
    return IDS;
  }

  get bootstrap() {
    return this.ids.map((id) => this.addressOf(id)).join(',');
  }

  /** A topic with one partition, replicated to all; `leader` leads it first. */
  async createTopic(topic, leader) {
    const kafka = new kafkajs.Kafka({ clientId: 'bench', brokers: [this.addressOf(leader)], logLevel: 0 });
    const admin = kafka.admin();
    await admin.connect();
    const replicas = [leader, ...this.ids.filter((id) => id !== leader)];
    const replicaAssignment = [{ partition: 0, replicas }];
    const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
    await admin.createTopics({ topics: [{ topic, replicaAssignment, configEntries }] });
    await admin.disconnect();
    await waitFor(`broker ${leader} to lead ${topic}`, async () => (await this.partition(topic)).leaderId === leader);
  }

  async deleteTopic(topic) {
    const kafka = new kafkajs.Kafka({ clientId: 'bench', brokers: this.bootstrap.split(','), logLevel: 0 });
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  }

  /** The topic's partition as a living broker sees it. */
  async partition(topic, from = this.ids.find((id) => this.isRunning(id))) {
    const { topics } = await askOnce(this.addressOf(from), topic);
    return topics[0].partitions[0];
  }

  isRunning(id) {
    return isAlive(this.pidOf(id)) && !this.isStopped(id);
  }

  #stopped = new Set();

  isStopped(id) {
    return this.#stopped.has(id);
  }

  /** Sends the broker's process a signal and answers when, in monotonic ms. */
  signal(id, signal) {
    const pid = this.pidOf(id);
    const at = Number(process.hrtime.bigint()) / 1e6;
    process.kill(pid, signal);
    if (signal === 'SIGSTOP') this.#stopped.add(id);
    if (signal === 'SIGCONT') this.#stopped.delete(id);
    return at;
  }

  /** Waits until every replica is in sync again. */
  async untilInSync(topic) {
    const what = `${topic} to be in sync on all brokers`;
    const inSync = async () => (await this.partition(topic)).isrNodes.length === this.ids.length;
    await waitFor(what, inSync, BACK_TIMEOUT_MS, 100);
  }
}

export class OttlaSystem extends System {
  name = 'Ottla';
  #cluster;
  #etcd;

  static async start({ store, settings = [] }) {
    const system = new OttlaSystem();
    system.#etcd = store === 'etcd' ? await startEtcd() : null;
    const args = settings.flatMap((setting) => ['--set', setting]);
    const etcd = system.#etcd === null ? {} : { etcd: system.#etcd.endpoint };
    system.#cluster = await RunningCluster.start({ brokers: IDS.length, args, ...etcd });
    return system;
  }

  addressOf(id) {
    return this.#cluster.broker(id).kafka;
  }

  pidOf(id) {
    return this.#cluster.pidOf(id);
  }

  /** What the broker logged since the cluster was started. */
  logOf(id) {
    return join(this.#cluster.dataDir, `broker-${id}`, 'broker.log');
  }

  async controller() {
    const from = this.ids.find((id) => this.isRunning(id));
    return waitFor('a controller', async () => {
      const { controller } = await askOnce(this.addressOf(from), null);
      return controller >= 0 ? controller : null;
    });
  }

  async restart(id) {
    await untilGone(this.pidOf(id));
    await this.#cluster.restart(id);
  }

  async stop() {
    await this.#cluster.stop();
    await this.#etcd?.stop();
  }
}

export class KafkaSystem extends System {
  name = 'Apache Kafka';
  #cluster;

  static async start() {
    const system = new KafkaSystem();
    system.#cluster = await KafkaCluster.prepare(IDS.length);
    system.#cluster.start();
    for (const id of IDS) await system.#untilServing(id);
    return system;
  }

  addressOf(id) {
    return this.#cluster.addresses[id - 1];
  }

  pidOf(id) {
    return this.#cluster.broker(id).child.pid;
  }

  /** The active controller of the quorum; its Metadata answers name any broker. */
  async controller() {
    const args = ['--bootstrap-server', this.bootstrap, 'describe', '--status'];
    const { stdout } = runKafkaTool('org.apache.kafka.tools.MetadataQuorumCommand', args);
    return Number(/LeaderId:\s+(\d+)/.exec(stdout)[1]);
  }

  async restart(id) {
    const { child } = this.#cluster.broker(id);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#cluster.restart(id);
    await this.#untilServing(id);
  }

  async stop() {
    await this.#cluster.stop();
  }

  async #untilServing(id) {
    const serves = async () => (await askOnce(this.addressOf(id), null)).brokers.some(({ nodeId }) => nodeId === id);
    await waitFor(`broker ${id} of Apache Kafka to serve`, serves, BACK_TIMEOUT_MS, 100).catch((error) => {
      throw new Error(`${error.message}\n${this.#cluster.output()}`);
    });
    await sleep(500);
  }
}

async function untilGone(pid) {
  await waitFor(`process ${pid} to be gone`, () => !isAlive(pid), 30_000, 10);
}
