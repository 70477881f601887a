import type { Command } from 'commander';
import { type Finish, listOption, wholeNumber, withBootstrap } from './command-options';
import type { AlterFlags, DescribeFlags } from './commands/configs';
import type { DeleteRecordsFlags, LogDirsFlags, ProducersFlags } from './commands/replicas';

/** The commands that look at, and change, what a running cluster holds. */
export function addAdministration(root: Command, finish: Finish): void {
  addConfigs(root, finish);
  addReplicas(root, finish);
}

function addConfigs(root: Command, finish: Finish): void {
  const configs = root.command('configs').description('configs of topics and of running brokers');
  const verb = (name: string, description: string): Command =>
    withBootstrap(configs.command(name).description(description))
      .option('--topic <name>', 'of this topic')
      .option('--broker <id>', 'of this broker', wholeNumber)
      .option('--all-brokers', 'of all brokers, as far as they have none of their own')
      .option('--json', 'print JSON');
  verb('describe', 'what is set, where it is from, and what it would be otherwise')
    .option('--all', 'defaults too')
    .action(async (flags: DescribeFlags) => {
      const { describeConfigs } = require('./commands/configs') as typeof import('./commands/configs');
      finish(await describeConfigs(flags));
    });
  verb('alter', 'change configs without a restart: all that is given, or nothing')
    .addOption(listOption('--set <name=value>', 'new value; may be repeated'))
    .addOption(listOption('--delete <name>', 'back to what it would be otherwise; may be repeated'))
    .addOption(listOption('--append <name=item>', 'add to a list; may be repeated'))
    .addOption(listOption('--subtract <name=item>', 'take from a list; may be repeated'))
    .option('--validate-only', 'only check whether it could be done')
    .action(async (flags: AlterFlags) => {
      const { alterConfigs } = require('./commands/configs') as typeof import('./commands/configs');
      finish(await alterConfigs(flags));
    });
}

function addReplicas(root: Command, finish: Finish): void {
  const command = (usage: string, description: string): Command =>
    withBootstrap(root.command(usage).description(description)).option('--json', 'print JSON');
  command('log-dirs', 'data directories of brokers, and the size of each replica in them')
    .option('--broker <id>', 'only of this broker', wholeNumber)
    .option('--topic <name>', 'only replicas of this topic')
    .action(async (flags: LogDirsFlags) => {
      const { logDirs } = require('./commands/replicas') as typeof import('./commands/replicas');
      finish(await logDirs(flags));
    });
  command('producers <topic>', 'idempotent producers of a topic, as the leaders know them')
    .option('--partition <n>', 'only of this partition', wholeNumber)
    .option('--broker <id>', 'as this broker knows them', wholeNumber)
    .action(async (topic: string, flags: ProducersFlags) => {
      const { producers } = require('./commands/replicas') as typeof import('./commands/replicas');
      finish(await producers(topic, flags));
    });
  command('delete-records <topic>', 'delete the oldest records of a partition, on all of its replicas')
    .requiredOption('--before <offset>', 'the first offset to keep, or end')
    .option('--partition <n>', 'partition (default: every partition, with end)', wholeNumber)
    .action(async (topic: string, flags: DeleteRecordsFlags) => {
      const { deleteRecords } = require('./commands/replicas') as typeof import('./commands/replicas');
      finish(await deleteRecords(topic, flags));
    });
}
