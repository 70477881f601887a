import { OttlaError } from './errors';
import type { ApiName, apis } from './messages/apis';
import type { AnyApi, Api } from './schema/api';
import type { Shape } from './schema/field';
import type { InputOf, MessageOf, Schema } from './schema/schema';
import type { Chunk } from './wire/chunk';

/** The fields that every request frame opens with. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where the body begins in the frame. */
  readonly bodyOffset: number;
}

/** A request as read; `name` tells which API's body it has. */
export type Request = {
  [K in ApiName]: {
    readonly name: K;
    readonly header: RequestHeader;
    readonly api: (typeof apis)[K];
    readonly body: MessageOf<(typeof apis)[K]['request']>;
  };
}[ApiName];

/** An encoded response, length prefix included. */
export interface ResponseFrame {
  readonly chunks: Chunk[];
  readonly byteLength: number;
}

export function readRequestHeader(_frame: Uint8Array): RequestHeader {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}

export function readRequest(_frame: Uint8Array): Request {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}

export function encodeRequest<Req extends Shape, Res extends Shape>(
  _api: Api<Req, Res>,
  _version: number,
  _correlationId: number,
  _clientId: string | null,
  _body: InputOf<Schema<Req>>,
): Uint8Array {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}

export function encodeResponse<Req extends Shape, Res extends Shape>(
  _api: Api<Req, Res>,
  _version: number,
  _correlationId: number,
  _body: InputOf<Schema<Res>>,
): ResponseFrame {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}

export function readResponse<Req extends Shape, Res extends Shape>(
  _api: Api<Req, Res>,
  _version: number,
  _frame: Uint8Array,
): { correlationId: number; body: MessageOf<Schema<Res>> } {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}
export type { AnyApi };
