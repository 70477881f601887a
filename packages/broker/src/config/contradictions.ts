import type { clusterSettings, groupSettings } from './cluster-settings';
import type { ListenerAddress } from './kinds';
import type { logSettings } from './log-settings';
import type { networkSettings } from './network-settings';
import type { ValuesOf } from './setting';

type Values = ValuesOf<typeof clusterSettings & typeof networkSettings & typeof logSettings & typeof groupSettings>;

const ENCRYPTED = /^(SSL|SASL_SSL|SASL_PLAINTEXT)$/;

/** What settings that are valid one by one get wrong together, one sentence each. */
export function contradictions(config: Values): string[] {
  const found: string[] = [];
  const atLeast = (larger: keyof Values, smaller: keyof Values, factor = 1): void => {
    const [high, low] = [config[larger] as number, config[smaller] as number];
    if (high >= low * factor) return;
    const times = factor === 1 ? '' : `${factor} times `;
    found.push(`${larger} is ${high}: expected at least ${times}${smaller}, which is ${low}`);
  };
  atLeast('broker.session.timeout.ms', 'broker.heartbeat.interval.ms', 2);
  atLeast('group.max.session.timeout.ms', 'group.min.session.timeout.ms');
  atLeast('socket.request.max.bytes', 'message.max.bytes');
  if (config['metadata.store'] === 'etcd' && config['metadata.store.endpoints'].length === 0) {
    found.push('metadata.store is etcd: set metadata.store.endpoints to its addresses, such as 127.0.0.1:2379');
  }
  return [...found, ...listenerFaults(config)];
}

function listenerFaults(config: Values): string[] {
  const { listeners, 'advertised.listeners': advertised } = config;
  const names = new Set(listeners.map((listener) => listener.name));
  const faults = [...repeated('listeners', listeners), ...repeated('advertised.listeners', advertised)];
  if (listeners.length === 0)
    faults.push('listeners is empty: expected at least one, such as PLAINTEXT://0.0.0.0:9092');
  for (const listener of listeners) {
    if (ENCRYPTED.test(listener.name)) {
      faults.push(`listeners names ${listener.name}: this version speaks plain text only, use PLAINTEXT`);
    }
  }
  const ports = listeners.map((listener) => listener.port).filter((port) => port !== 0);
  if (new Set(ports).size < ports.length) faults.push('listeners uses one port twice');
  for (const address of advertised) {
    if (!names.has(address.name)) {
      faults.push(
        `advertised.listeners names ${address.name}, which is not one of listeners (${[...names].join(', ')})`,
      );
    }
    if (['', '0.0.0.0', '::'].includes(address.host) || address.port === 0) {
      faults.push(
        `advertised.listeners has ${address.name}://${address.host}:${address.port}, which no client can connect to`,
      );
    }
  }
  return faults;
}

function repeated(setting: string, listeners: readonly ListenerAddress[]): string[] {
  const names = listeners.map((listener) => listener.name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `${setting} names ${name} twice`,
  );
}
