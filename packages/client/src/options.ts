import { type Clock, type Codecs, nodeClock, nodeCodecs, nodeRandom, type Random } from '@ottla/runtime';

export interface ClientOptions {
  /** Addresses of some brokers as host:port, or several with commas. The port is a broker's gRPC or Kafka port. */
  readonly bootstrap: string | readonly string[];
  /** How long `connect` tries to reach one of the brokers, in ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How long one request may take, in ms. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** How old knowledge of topics may get before it is asked for again, in ms. Default 300,000. */
  readonly metadataMaxAgeMs?: number;
  /** First and longest delay between attempts, in ms; each delay is up to twice the one before. Default 50 and 1,000. */
  readonly retryBackoffMs?: number;
  readonly retryBackoffMaxMs?: number;
  /** Ends the connecting. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly codecs?: Codecs;
}

/** The options with their defaults. */
export type Settings = Required<Omit<ClientOptions, 'bootstrap' | 'signal'>>;

export function settingsOf(options: ClientOptions): Settings {
  const defaults: Settings = {
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 30_000,
    metadataMaxAgeMs: 300_000,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 1_000,
    clock: nodeClock,
    random: nodeRandom,
    codecs: nodeCodecs,
  };
  const given = Object.entries(options).filter(([name, value]) => name in defaults && value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
