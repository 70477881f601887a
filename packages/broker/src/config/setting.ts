import type { Kind } from './kinds';

/** One setting: the values it takes, its default, and what it means. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly doc: string;
  /** False for a setting that is checked and kept, but that nothing acts on in this version. */
  readonly inEffect: boolean;
  readonly update: UpdateMode;
}

/**
 * How a setting can be changed while brokers run (KIP-226):
 * - `read-only`: not at all;
 * - `per-broker`: for one broker, or for all that have no value of their own;
 * - `cluster-wide`: for all brokers only, who have to agree on it.
 */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';

export function setting<T>(
  kind: Kind<T>,
  defaultValue: NoInfer<T>,
  doc: string,
  effect: 'in effect' | 'not acted on yet' = 'in effect',
): Setting<T> {
  return { kind, default: defaultValue, doc, inEffect: effect === 'in effect', update: 'read-only' };
}

/** The same setting, changeable while brokers run. */
export function dynamic<T>(of: Setting<T>, update: Exclude<UpdateMode, 'read-only'> = 'per-broker'): Setting<T> {
  return { ...of, update };
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds settings of every type
export type SettingTable = Readonly<Record<string, Setting<any>>>;

/** The values that a table of settings describes, by name. */
export type ValuesOf<S extends SettingTable> = {
  readonly [N in keyof S]: S[N] extends Setting<infer T> ? T : never;
};

/** What the documentation says about a setting. */
export function documentation(of: Setting<unknown>): string {
  return of.inEffect ? of.doc : `${of.doc} Checked and kept; this version does not act on it yet.`;
}
