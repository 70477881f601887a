import { readFile } from 'node:fs/promises';
import { type BrokerConfig, loadBrokerConfig, startBroker } from '@ottla/broker';
import { CommandError } from '../command-error';
import { say } from '../stdio/say';
import { runService } from '../up/service';

export interface BrokerFlags {
  readonly config?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
  readonly supervised?: boolean;
}

/** Runs one broker until it is told to stop. Answers the exit code. */
export function broker(flags: BrokerFlags): Promise<number> {
  return runService('broker', flags.supervised ?? false, async () => {
    const config = await brokerConfigOf(flags);
    const running = await startBroker(config);
    if (!flags.supervised) announce(running, flags.json ?? false);
    return running;
  });
}

/** A broker's settings from file, environment and flags. */
export async function brokerConfigOf(flags: { config?: string; set: readonly string[] }): Promise<BrokerConfig> {
  const file = flags.config === undefined ? {} : { file: { path: flags.config, text: await readText(flags.config) } };
  return loadBrokerConfig({ ...file, environment: process.env, flags: flags.set });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandError(`the config file ${path} can't be read: ${(error as Error).message}`, 1, { cause: error });
  }
}

function announce(running: Awaited<ReturnType<typeof startBroker>>, json: boolean): void {
  const { broker: id, clusterId, addresses } = running;
  if (json) process.stdout.write(`${JSON.stringify({ broker: id, clusterId, pid: process.pid, ...addresses })}\n`);
  else say(`broker ${id} of cluster ${clusterId} serves at ${addresses.kafka}`);
}
