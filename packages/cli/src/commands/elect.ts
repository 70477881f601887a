import { CommandError } from '../command-error';
import { complain, say, sayJson } from '../stdio/say';
import { withClient } from './with-client';

export interface ElectFlags {
  readonly bootstrap?: string;
  readonly json?: boolean;
  readonly partition?: number;
  readonly all?: boolean;
  readonly unclean?: boolean;
}

/** Elects preferred leaders, or with --unclean anyone for partitions that have no leader. */
export function electLeaders(topic: string | undefined, flags: ElectFlags): Promise<number> {
  if ((topic === undefined) !== (flags.all === true)) {
    throw new CommandError('of which partitions? name a topic, or give --all');
  }
  return withClient(flags.bootstrap, async ({ admin }) => {
    const partitions = topic === undefined ? null : await partitionsOf(topic, flags);
    const results = await admin.electLeaders(flags.unclean ? 'unclean' : 'preferred', partitions);
    const isNeedless = (code: string | undefined) => code === 'ELECTION_NOT_NEEDED';
    const failed = results.filter(({ error }) => error !== null && !isNeedless(error.code));
    const elected = results.filter(({ error }) => error === null);
    if (flags.json) {
      sayJson(
        results.map(({ topic: name, partition, error }) => ({
          ...{ topic: name, partition, elected: error === null, error: error?.code ?? null },
          message: error?.message ?? null,
        })),
      );
    } else {
      for (const { error } of failed) complain(error!.message);
      for (const { topic: name, partition } of elected) say(`${name}-${partition}: elected`);
      if (elected.length + failed.length === 0) say('nothing to elect: all have the leader that they should');
    }
    return failed.length === 0 ? 0 : 1;

    async function partitionsOf(name: string, { partition }: ElectFlags) {
      if (partition !== undefined) return [{ topic: name, partition }];
      const { partitions: all } = await admin.describeTopic(name);
      return all.map((one) => ({ topic: name, partition: one.partition }));
    }
  });
}
