import { type Command, InvalidArgumentError } from 'commander';
import { countOption, type Finish, wholeNumber, withBootstrap } from './command-options';
import type { ElectFlags } from './commands/elect';
import type { CancelFlags, PlanFlags, ReassignFlags, StartFlags, StatusFlags } from './commands/reassign';

/** The commands that say which brokers hold partitions, and which of them lead. */
export function addPartitionCommands(root: Command, finish: Finish): void {
  addReassign(root, finish);
  addElect(root, finish);
}

function addReassign(root: Command, finish: Finish): void {
  const reassign = root.command('reassign').description('give partitions to other brokers while they are in use');
  const commands = (): typeof import('./commands/reassign') => require('./commands/reassign');
  const verb = (usage: string, description: string): Command =>
    withBootstrap(reassign.command(usage).description(description)).option('--json', 'print JSON');
  verb('plan [topics...]', 'propose an even assignment over brokers and racks, moving as little as possible')
    .option('--brokers <ids>', 'brokers that shall hold the topics (default: all that are there)', brokerIds)
    .addOption(countOption('--replication-factor <n>', 'replicas of each partition (default: as many as it has)'))
    .option('--out <file>', "write the plan, as Kafka's tools read it too")
    .action(async (topics: string[], flags: PlanFlags) => finish(await commands().planReassignment(topics, flags)));
  verb('start [topic]', 'start the reassignments of a plan, or of one topic')
    .option('--plan <file>', 'plan to carry out; - reads it from standard input')
    .option('--to <ids>', 'brokers for every partition of the topic, the preferred leader first', brokerIds)
    .option('--partition <n>', 'only this partition of the topic', wholeNumber)
    .option('--throttle <bytes>', 'bytes a second that each broker may send and take in for it', wholeNumber)
    .action(async (topic: string | undefined, flags: StartFlags) =>
      finish(await commands().startReassignment(topic, flags)),
    );
  verb('status [topic]', 'reassignments under way, and how far each is')
    .option('--wait', 'end when none is left')
    .action(async (topic: string | undefined, flags: StatusFlags) =>
      finish(await commands().reassignmentStatus(topic, flags)),
    );
  verb('cancel [topic]', 'go back to the assignment before')
    .option('--partition <n>', 'only of this partition', wholeNumber)
    .option('--all', 'of all topics')
    .action(async (topic: string | undefined, flags: CancelFlags) =>
      finish(await commands().cancelReassignment(topic, flags)),
    );
  verb('unthrottle', 'end the throttles of replication').action(async (flags: ReassignFlags) =>
    finish(await commands().endThrottle(flags)),
  );
}

function addElect(root: Command, finish: Finish): void {
  withBootstrap(
    root.command('elect [topic]').description('hand leaderships back to the preferred leaders, the first replicas'),
  )
    .option('--partition <n>', 'only of this partition', wholeNumber)
    .option('--all', 'of all topics')
    .option('--unclean', 'for partitions without a leader: elect anyone, even if records are lost by it')
    .option('--json', 'print JSON')
    .action(async (topic: string | undefined, flags: ElectFlags) => {
      const { electLeaders } = require('./commands/elect') as typeof import('./commands/elect');
      finish(await electLeaders(topic, flags));
    });
}

export function brokerIds(value: string): number[] {
  const ids = value.split(',').filter((id) => id.trim() !== '');
  if (ids.length === 0) throw new InvalidArgumentError('Expected broker ids, such as 1,2,3.');
  return ids.map((id) => wholeNumber(id.trim()));
}
