import { CommandError } from '../command-error';

/** The options of `ottla up`, checked. */
export interface UpOptions {
  /** Null: as many as the directory holds, or three. */
  readonly brokers: number | null;
  /** Kafka port of broker 1; the others follow. */
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly data: string;
  /** `host:port` each; null: the embedded store. */
  readonly etcd: readonly string[] | null;
  readonly restart: boolean;
  readonly json: boolean;
  /** Log lines of all processes on standard error instead of in files. */
  readonly logs: boolean;
  /** Broker settings by name, written to every broker's config file. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Addresses of etcd as `host:port`, from URLs or addresses. */
export function parseEtcd(text: string): string[] {
  const endpoints = text.split(',').map((part) => part.trim());
  return endpoints.map((endpoint) => {
    if (/^https:\/\//i.test(endpoint)) throw new CommandError(`--etcd ${endpoint}: only http is spoken with etcd`);
    const address = endpoint.replace(/^http:\/\//i, '').replace(/\/$/, '');
    if (!/^(\[[0-9a-f:.]+\]|[^\s:/]+):\d{1,5}$/i.test(address)) {
      throw new CommandError(`--etcd ${endpoint || '""'}: expected HOST:PORT or http://HOST:PORT, comma-separated`);
    }
    return address;
  });
}

export function parseSettings(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => {
      const equals = flag.indexOf('=');
      if (equals <= 0) throw new CommandError(`--set ${flag}: expected NAME=VALUE`);
      return [flag.slice(0, equals).trim(), flag.slice(equals + 1)];
    }),
  );
}
