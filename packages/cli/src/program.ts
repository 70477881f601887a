import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { addAdministration } from './administration';
import { DEFAULT_DATA_DIR } from './bootstrap';
import {
  countOption,
  type Finish,
  listOption,
  offset,
  portNumber,
  settingOption,
  wholeNumber,
  withBootstrap,
} from './command-options';
import type { BrokerFlags } from './commands/broker';
import type { ConfigFlags } from './commands/config';
import type { ConsumeFlags } from './commands/consume';
import type { ProduceFlags } from './commands/produce';
import type { StoreFlags } from './commands/store';
import type { AddPartitionsFlags, CreateFlags } from './commands/topics';
import { addPartitionCommands, brokerIds } from './partition-commands';

/**
 * The command line. Each command loads what it needs when it runs, for loading a broker's modules takes longer than most
 * commands do.
 */
export function program(version: string, finish: Finish): Command {
  const root = new Command('ottla')
    .description('A replicated commit log that speaks the Kafka protocol.')
    .version(version)
    .showHelpAfterError('(`ottla --help` lists the commands)');
  addUp(root, finish);
  addServices(root, finish);
  addTopics(root, finish);
  addCluster(root, finish);
  addAdministration(root, finish);
  addPartitionCommands(root, finish);
  addProduce(root, finish);
  addConsume(root, finish);
  addConfig(root, finish);
  return root;
}

interface UpFlags {
  brokers?: number;
  port: number;
  host: string;
  data: string;
  etcd?: string;
  restart?: boolean;
  logs?: boolean;
  set: string[];
  json?: boolean;
}

function addUp(root: Command, finish: Finish): void {
  root
    .command('up')
    .description('start a cluster on this machine, each broker in a process of its own')
    .addOption(countOption('--brokers <n>', 'number of brokers (default: as many as the directory holds, or 3)'))
    .option('--port <port>', 'Kafka port of the first broker; the others follow', portNumber, 9092)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <dir>', 'directory of the cluster', DEFAULT_DATA_DIR)
    .option('--etcd <addresses>', 'keep the metadata in this etcd, HOST:PORT,... (default: an embedded store)')
    .option('--restart', 'start a process that died again')
    .option('--logs', 'log lines of all processes here instead of in files')
    .addOption(settingOption('broker setting, written to the config file of every broker; may be repeated'))
    .option('--json', 'print JSON, one object a line')
    .action(async (flags: UpFlags) => {
      const { up } = require('./up/up') as typeof import('./up/up');
      const { parseEtcd, parseSettings } = require('./up/options') as typeof import('./up/options');
      finish(
        await up({
          brokers: flags.brokers ?? null,
          port: flags.port,
          host: flags.host,
          data: resolve(flags.data),
          etcd: flags.etcd === undefined ? null : parseEtcd(flags.etcd),
          restart: flags.restart ?? false,
          json: flags.json ?? false,
          logs: flags.logs ?? false,
          settings: parseSettings(flags.set),
        }),
      );
    });
}

function addServices(root: Command, finish: Finish): void {
  root
    .command('broker')
    .description('run one broker')
    .option('--config <file>', 'JSON file of settings (`ottla config --help` lists them)')
    .addOption(settingOption('setting; wins over file and environment; may be repeated'))
    .option('--json', 'print the addresses as JSON')
    .addOption(new Option('--supervised').hideHelp())
    .action(async (flags: BrokerFlags) => {
      const { broker } = require('./commands/broker') as typeof import('./commands/broker');
      finish(await broker(flags));
    });
  root
    .command('store')
    .description('run the embedded metadata store, apart from the brokers that use it')
    .option('--config <file>', 'JSON file: {"dir": "...", "listen": "HOST:PORT"}')
    .option('--dir <dir>', 'directory of the store')
    .option('--listen <address>', 'HOST:PORT to serve etcd\'s protocol at (default: "127.0.0.1:2379")')
    .addOption(new Option('--supervised').hideHelp())
    .action(async (flags: StoreFlags) => {
      const { store } = require('./commands/store') as typeof import('./commands/store');
      finish(await store(flags));
    });
}

function addTopics(root: Command, finish: Finish): void {
  const topics = root.command('topics').description('list, create, grow, describe and delete topics');
  const verb = (usage: string, description: string): Command =>
    withBootstrap(topics.command(usage).description(description)).option('--json', 'print JSON');
  verb('list', 'the names of all topics').action(async (flags: { bootstrap?: string; json?: boolean }) => {
    const { listTopics } = require('./commands/topics') as typeof import('./commands/topics');
    finish(await listTopics(flags));
  });
  verb('create <name>', 'create a topic')
    .addOption(countOption('--partitions <n>', "number of partitions (default: the broker's num.partitions)"))
    .addOption(countOption('--replication-factor <n>', "replicas of each partition (default: the broker's)"))
    .addOption(listOption('--config <name=value>', 'setting of the topic; may be repeated'))
    .action(async (name: string, flags: CreateFlags) => {
      const { createTopic } = require('./commands/topics') as typeof import('./commands/topics');
      finish(await createTopic(name, flags));
    });
  verb('add-partitions <name>', 'give a topic more partitions')
    .addOption(countOption('--partitions <n>', 'how many it shall have in all').makeOptionMandatory())
    .option(
      '--assign <ids>',
      'brokers of a new partition, the preferred leader first; once for each (default: the cluster chooses)',
      (value: string, all: number[][]) => [...all, brokerIds(value)],
      [] as number[][],
    )
    .action(async (name: string, flags: AddPartitionsFlags) => {
      const { addPartitions } = require('./commands/topics') as typeof import('./commands/topics');
      finish(await addPartitions(name, flags));
    });
  verb('describe <name>', 'leader, epoch, replicas and ISR of each partition, and how far each replica is').action(
    async (name: string, flags: { bootstrap?: string; json?: boolean }) => {
      const { describeTopic } = require('./commands/topics') as typeof import('./commands/topics');
      finish(await describeTopic(name, flags));
    },
  );
  verb('delete <name>', 'delete a topic and all its records').action(
    async (name: string, flags: { bootstrap?: string; json?: boolean }) => {
      const { deleteTopic } = require('./commands/topics') as typeof import('./commands/topics');
      finish(await deleteTopic(name, flags));
    },
  );
}

function addCluster(root: Command, finish: Finish): void {
  const cluster = root.command('cluster').description('look at the cluster');
  withBootstrap(cluster.command('describe').description('its id, controller and brokers'))
    .option('--json', 'print JSON')
    .action(async (flags: { bootstrap?: string; json?: boolean }) => {
      const { describeCluster } = require('./commands/cluster') as typeof import('./commands/cluster');
      finish(await describeCluster(flags));
    });
}

function addProduce(root: Command, finish: Finish): void {
  withBootstrap(root.command('produce').description('send each line of standard input as a record'))
    .requiredOption('--topic <name>', 'topic')
    .option('--partition <n>', 'partition (default: by key, or in turn)', wholeNumber)
    .option('--key-separator <text>', 'what stands between key and value in a line')
    .addOption(new Option('--acks <who>', 'who must have a record').choices(['all', '1', '0']).default('all'))
    .addOption(
      new Option('--compression <codec>', 'codec of the batches')
        .choices(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        .default('none'),
    )
    .option('--json', 'print what was sent as JSON')
    .action(async (flags: ProduceFlags) => {
      const { produce } = require('./commands/produce') as typeof import('./commands/produce');
      finish(await produce(flags));
    });
}

function addConsume(root: Command, finish: Finish): void {
  withBootstrap(root.command('consume').description('write the values of records, each on a line'))
    .requiredOption('--topic <name>', 'topic')
    .option('--partition <n>', 'only this partition', wholeNumber)
    .option('--from <where>', 'earliest, latest, or an offset', offset, 'latest')
    .addOption(countOption('--max <n>', 'end after so many records'))
    .option('--exit-at-end', 'end when the records that are there at the start have been written')
    .option('--key-separator <text>', 'write keys too, and this between key and value')
    .option('--json', 'write each record as a JSON object')
    .action(async (flags: ConsumeFlags) => {
      const { consume } = require('./commands/consume') as typeof import('./commands/consume');
      finish(await consume(flags));
    });
}

function addConfig(root: Command, finish: Finish): void {
  const config = root
    .command('config')
    .description('list every setting of a broker, or check a config file')
    .option('--config <file>', 'show what this file comes to, with environment and --set')
    .addOption(settingOption('setting; may be repeated'))
    .option('--json', 'print JSON')
    .helpOption(false)
    .option('-h, --help', 'list the settings')
    .action(async (flags: ConfigFlags & { help?: boolean }) => {
      const { config: run } = require('./commands/config') as typeof import('./commands/config');
      if (flags.help) process.stdout.write(`${config.helpInformation()}\n`);
      finish(await run(flags.help ? { set: [] } : flags));
    });
}
