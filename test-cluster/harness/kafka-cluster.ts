import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { javaArguments, runKafkaTool } from './kafka-tools';
import { freePorts, type Started, scratchDir, start } from './processes';

const HOST = '127.0.0.1';
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk';
const BROKER_OPTIONS = ['-Xms256m', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];

/** Apache Kafka on this machine: each process is broker and KRaft controller in one. */
export class KafkaCluster {
  private started: Started[] = [];

  private constructor(
    /** Kafka addresses of the brokers, `host:port` each. */
    readonly addresses: readonly string[],
    private readonly configs: readonly string[],
    private readonly removeDir: () => void,
  ) {}

  /** Writes config files and formats empty data directories; nothing runs yet. */
  static async prepare(brokers: number): Promise<KafkaCluster> {
    const scratch = scratchDir('kafka');
    const first = await freePorts(2 * brokers);
    const nodes = Array.from({ length: brokers }, (_, index) => ({
      id: index + 1,
      broker: `${HOST}:${first + index}`,
      controller: `${HOST}:${first + brokers + index}`,
    }));
    const voters = nodes.map(({ id, controller }) => `${id}@${controller}`).join(',');
    const configs = nodes.map((node) => {
      const config = join(scratch.path, `broker-${node.id}.properties`);
      writeFileSync(config, propertiesOf(node, voters, brokers, join(scratch.path, `data-${node.id}`)));
      runKafkaTool('kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', config]);
      return config;
    });
    return new KafkaCluster(
      nodes.map(({ broker }) => broker),
      configs,
      () => scratch.remove(),
    );
  }

  get bootstrap(): string {
    return this.addresses.join(',');
  }

  get pids(): number[] {
    return this.started.map(({ child }) => child.pid!);
  }

  /** Starts every broker and returns at once. */
  start(): void {
    this.started = this.configs.map(startBroker);
  }

  /** The process of the broker with this id. */
  broker(id: number): Started {
    return this.started[id - 1]!;
  }

  /** Starts a broker again whose process has ended. */
  restart(id: number): void {
    this.started[id - 1] = startBroker(this.configs[id - 1]!);
  }

  /** What the brokers printed, for a failure's message. */
  output(): string {
    return this.started.map((broker) => broker.output()).join('\n');
  }

  /** Ends the brokers with -9 and removes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.started.map((broker) => broker.stop('SIGKILL')));
    this.removeDir();
  }
}

function startBroker(config: string): Started {
  return start('java', [...BROKER_OPTIONS, ...javaArguments('kafka.Kafka'), config]);
}

interface KafkaNode {
  readonly id: number;
  readonly broker: string;
  readonly controller: string;
}

function propertiesOf(node: KafkaNode, voters: string, brokers: number, dataDir: string): string {
  const replicas = Math.min(brokers, 3);
  const minIsr = Math.min(replicas, 2);
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${node.broker},CONTROLLER://${node.controller}`,
    'advertised.listeners': `PLAINTEXT://${node.broker}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': dataDir,
    'default.replication.factor': replicas,
    'min.insync.replicas': minIsr,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minIsr,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
