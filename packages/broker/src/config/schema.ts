/** The broker's settings by name; every name is present. */
export interface BrokerConfig {
  readonly [name: string]: unknown;
}
