import { apis, errorName, OttlaError } from '@ottla/protocol';
import type { AskKafka } from './kafka-request';

/** What has configs: a topic, one broker, or all brokers at once. */
export type ConfigResource = { readonly topic: string } | { readonly broker: number } | 'all brokers';

/** Where a value is from: changed while brokers run (the first three), given at a broker's start, or the default. */
export type ConfigSource = 'topic' | 'broker' | 'all brokers' | 'start' | 'default' | 'unknown';

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export interface ConfigDescription extends ConfigSynonym {
  /** It can't be changed while the broker runs. */
  readonly readOnly: boolean;
  readonly documentation: string | null;
  /** The values that it has had the choice of, the effective one first. */
  readonly synonyms: readonly ConfigSynonym[];
}

/** A change of one override: its value, or items that a list gains or loses. */
export type ConfigChange =
  | { readonly operation: 'set' | 'append' | 'subtract'; readonly name: string; readonly value: string }
  | { readonly operation: 'delete'; readonly name: string };

/** By Kafka's numbers. */
const TOPIC = 2;
const BROKER = 4;
const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;
const SOURCES: Readonly<Record<number, ConfigSource>> = {
  1: 'topic',
  2: 'broker',
  3: 'all brokers',
  4: 'start',
  5: 'default',
};

/** The broker that a request about this resource has to go to; undefined for any. */
export function brokerOf(resource: ConfigResource): number | undefined {
  return typeof resource === 'object' && 'broker' in resource ? resource.broker : undefined;
}

export async function describeConfigs(ask: AskKafka, resource: ConfigResource): Promise<ConfigDescription[]> {
  const { results } = await ask(apis.DescribeConfigs, {
    resources: [{ ...named(resource), configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
  const [result] = results;
  if (result === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'the broker described nothing');
  throwIfError(result);
  return result.configs.map(({ name, value, readOnly, configSource, documentation, synonyms }) => ({
    ...{ name, value, readOnly, documentation, source: sourceOf(configSource) },
    synonyms: synonyms.map((synonym) => ({ ...synonym, source: sourceOf(synonym.source) })),
  }));
}

export async function alterConfigs(
  ask: AskKafka,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
  validateOnly: boolean,
): Promise<void> {
  const configs = changes.map((change) => ({
    name: change.name,
    configOperation: OPERATIONS[change.operation],
    value: change.operation === 'delete' ? null : change.value,
  }));
  const { responses } = await ask(apis.IncrementalAlterConfigs, {
    resources: [{ ...named(resource), configs }],
    validateOnly,
  });
  for (const response of responses) throwIfError(response);
}

function named(resource: ConfigResource): { resourceType: number; resourceName: string } {
  if (resource === 'all brokers') return { resourceType: BROKER, resourceName: '' };
  if ('topic' in resource) return { resourceType: TOPIC, resourceName: resource.topic };
  return { resourceType: BROKER, resourceName: String(resource.broker) };
}

function sourceOf(source: number): ConfigSource {
  return SOURCES[source] ?? 'unknown';
}

function throwIfError({ errorCode, errorMessage }: { errorCode: number; errorMessage: string | null }): void {
  if (errorCode === 0) return;
  const code = errorName(errorCode);
  throw new OttlaError(code, errorMessage ?? code);
}
