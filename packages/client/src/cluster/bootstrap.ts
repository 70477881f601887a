import { OttlaError } from '@ottla/protocol';
import { formatAddress } from '@ottla/rpc';

const MAX_PORT = 65_535;

/** The addresses of `host:port,host:port`, each once. Throws INVALID_CONFIG for what isn't one. */
export function parseBootstrap(bootstrap: string | readonly string[]): string[] {
  const given = typeof bootstrap === 'string' ? bootstrap.split(',') : bootstrap.flatMap((part) => part.split(','));
  const addresses = given.map((part) => part.trim()).filter((part) => part !== '');
  if (addresses.length === 0) {
    throw new OttlaError('INVALID_CONFIG', 'bootstrap names no broker: give it as host:port, several with commas');
  }
  return [...new Set(addresses.map(parseAddress))];
}

function parseAddress(text: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > MAX_PORT) {
    throw new OttlaError('INVALID_CONFIG', `bootstrap "${text}" is not an address: give it as host:port`);
  }
  return formatAddress({ host: (match[1] ?? match[2])!, port });
}
