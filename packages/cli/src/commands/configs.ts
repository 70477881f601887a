import type { ConfigChange, ConfigDescription, ConfigResource } from '@ottla/client';
import { CommandError } from '../command-error';
import { say, sayJson } from '../stdio/say';
import { table } from '../stdio/table';
import { withClient } from './with-client';

/** Which resource: exactly one of the three. */
export interface ResourceFlags {
  readonly bootstrap?: string;
  readonly json?: boolean;
  readonly topic?: string;
  readonly broker?: number;
  readonly allBrokers?: boolean;
}

export interface DescribeFlags extends ResourceFlags {
  /** Defaults too. */
  readonly all?: boolean;
}

export interface AlterFlags extends ResourceFlags {
  /** `name=value` each. */
  readonly set: readonly string[];
  readonly append: readonly string[];
  readonly subtract: readonly string[];
  /** Names. */
  readonly delete: readonly string[];
  readonly validateOnly?: boolean;
}

export function describeConfigs(flags: DescribeFlags): Promise<number> {
  const resource = resourceOf(flags);
  return withClient(flags.bootstrap, async ({ admin }) => {
    const described = await admin.describeConfigs(resource);
    const shown = described
      .filter(({ source }) => flags.all || source !== 'default')
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (flags.json) sayJson(shown);
    else say(asText(shown));
    return 0;
  });
}

export function alterConfigs(flags: AlterFlags): Promise<number> {
  const resource = resourceOf(flags);
  const changes = changesOf(flags);
  const { validateOnly = false } = flags;
  return withClient(flags.bootstrap, async ({ admin }) => {
    await admin.alterConfigs(resource, changes, { validateOnly });
    const done = validateOnly ? 'would be altered' : 'altered';
    if (flags.json) sayJson({ resource, changes, altered: !validateOnly });
    else say(`${done} ${nameOf(resource)}: ${changes.map(described).join(', ')}`);
    return 0;
  });
}

function resourceOf({ topic, broker, allBrokers }: ResourceFlags): ConfigResource {
  const named = [topic !== undefined, broker !== undefined, allBrokers === true].filter(Boolean).length;
  if (named !== 1) {
    const way = 'give one of --topic NAME, --broker ID and --all-brokers';
    throw new CommandError(named === 0 ? `whose configs? ${way}` : `the configs of one thing at a time: ${way}`);
  }
  if (topic !== undefined) return { topic };
  return broker === undefined ? 'all brokers' : { broker };
}

function changesOf(flags: AlterFlags): ConfigChange[] {
  const changes: ConfigChange[] = flags.delete.map((name) => ({ operation: 'delete', name }));
  for (const operation of ['set', 'append', 'subtract'] as const) {
    for (const flag of flags[operation]) changes.push({ operation, ...pairOf(`--${operation}`, flag) });
  }
  if (changes.length > 0) return changes;
  throw new CommandError('nothing to alter: give --set NAME=VALUE, --delete NAME, --append or --subtract NAME=ITEM');
}

function pairOf(option: string, flag: string): { name: string; value: string } {
  const equals = flag.indexOf('=');
  if (equals <= 0) throw new CommandError(`${option} ${flag}: expected NAME=VALUE, such as retention.ms=3600000`);
  return { name: flag.slice(0, equals), value: flag.slice(equals + 1) };
}

function nameOf(resource: ConfigResource): string {
  if (resource === 'all brokers') return resource;
  return 'topic' in resource ? `topic ${resource.topic}` : `broker ${resource.broker}`;
}

function described(change: ConfigChange): string {
  return change.operation === 'delete' ? `delete ${change.name}` : `${change.operation} ${change.name}=${change.value}`;
}

function asText(configs: readonly ConfigDescription[]): string {
  if (configs.length === 0) return 'nothing is set; --all shows the defaults';
  const rows = configs.map(({ name, value, source, readOnly, synonyms }) => [
    name,
    value ?? '',
    source,
    synonyms
      .slice(1)
      .map((synonym) => `${synonym.value || 'none'} (${synonym.source})`)
      .join(', '),
    readOnly ? 'read-only' : '',
  ]);
  return table(['name', 'value', 'from', 'otherwise', ''], rows).join('\n');
}
