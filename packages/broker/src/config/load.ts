import { OttlaError } from '@ottla/protocol';
import { nearest } from './nearest';
import { type BrokerConfig, brokerSettings, checkedConfig, type Given, isSettingName } from './schema';

/** Where settings come from; a later source wins over an earlier one: file, environment, flags. */
export interface ConfigSources {
  /** A JSON object of settings by name. */
  readonly file?: { readonly path: string; readonly text: string };
  /** Variables `OTTLA_` + name, upper case, with underscores: OTTLA_LOG_SEGMENT_BYTES. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `name=value` each. */
  readonly flags?: readonly string[];
}

const PREFIX = 'OTTLA_';
/** Variables that Kubernetes and Docker set for a service called ottla; they are no settings. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Reads the settings. Throws INVALID_CONFIG with one line for each thing that is wrong and where it was found. */
export function loadBrokerConfig(sources: ConfigSources): BrokerConfig {
  const faults: string[] = [];
  const given = [
    ...(sources.file === undefined ? [] : fromFile(sources.file)),
    ...fromEnvironment(sources.environment ?? {}, faults),
    ...fromFlags(sources.flags ?? [], faults),
  ];
  return checkedConfig(given, faults);
}

/** The environment variable of a setting. */
export function environmentVariable(name: string): string {
  return PREFIX + name.toUpperCase().replace(/[.-]/g, '_');
}

function fromFile(file: { path: string; text: string }): Given[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.text);
  } catch (error) {
    throw new OttlaError('INVALID_CONFIG', `${file.path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new OttlaError('INVALID_CONFIG', `${file.path}: expected a JSON object such as {"node.id": 1}`);
  }
  const origin = { kind: 'file', where: `file ${file.path}` } as const;
  return Object.entries(parsed).map(([name, value]) => ({ name, value, origin }));
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, faults: string[]): Given[] {
  const names = new Map(Object.keys(brokerSettings).map((name) => [environmentVariable(name), name]));
  const given: Given[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || value === undefined) continue;
    const name = names.get(variable);
    if (name !== undefined) {
      given.push({ name, value, origin: { kind: 'environment', where: `environment variable ${variable}` } });
    } else if (!SERVICE_LINK.test(variable)) {
      const close = nearest(
        variable.toLowerCase(),
        [...names.keys()].map((known) => known.toLowerCase()),
      );
      const advice =
        close === null ? '`ottla config --help` lists the settings' : `did you mean ${close.toUpperCase()}?`;
      faults.push(`environment variable ${variable} is no setting: ${advice}`);
    }
  }
  return given;
}

function fromFlags(flags: readonly string[], faults: string[]): Given[] {
  return flags.flatMap((flag): Given[] => {
    const equals = flag.indexOf('=');
    if (equals > 0) {
      const origin = { kind: 'flag', where: '--set' } as const;
      return [{ name: flag.slice(0, equals).trim(), value: flag.slice(equals + 1), origin }];
    }
    faults.push(`--set ${flag}: expected name=value${isSettingName(flag) ? `, such as ${flag}=...` : ''}`);
    return [];
  });
}
