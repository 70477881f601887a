import type { Shape } from './field';
import { Schema } from './schema';
import { parseVersions, type VersionSpec } from './versions';

/** A request and its response, with the versions served. */
export interface Api<Req extends Shape, Res extends Shape> {
  /** Kafka's API key. */
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The first flexible version (KIP-482). */
  readonly flexibleFrom: number;
  /** What ApiVersions says instead of `minVersion`, for clients that infer features from it. */
  readonly advertisedMinVersion: number;
  readonly request: Schema<Req>;
  readonly response: Schema<Res>;
}

// biome-ignore lint/suspicious/noExplicitAny: an API of any shape
export type AnyApi = Api<any, any>;

interface ApiDeclaration<Req extends Shape, Res extends Shape> {
  readonly key: number;
  readonly name: string;
  readonly versions: VersionSpec;
  readonly flexibleFrom: number;
  readonly advertisedMinVersion?: number;
  readonly request: Req;
  readonly response: Res;
}

/** Declares an API. */
export function defineApi<Req extends Shape, Res extends Shape>(declaration: ApiDeclaration<Req, Res>): Api<Req, Res> {
  const { key, name, flexibleFrom } = declaration;
  const { from, to } = parseVersions(declaration.versions);
  return {
    key,
    name,
    minVersion: from,
    maxVersion: to,
    flexibleFrom,
    advertisedMinVersion: declaration.advertisedMinVersion ?? from,
    request: new Schema(`${name} request`, declaration.request, from, to, flexibleFrom),
    response: new Schema(`${name} response`, declaration.response, from, to, flexibleFrom),
  };
}
