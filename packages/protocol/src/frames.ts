import { OttlaError } from './errors';
import { type ApiName, apiByKey, apis } from './messages/apis';
import type { AnyApi, Api } from './schema/api';
import type { Shape } from './schema/field';
import type { InputOf, MessageOf, Schema } from './schema/schema';
import { putInt32 } from './wire/bytes';
import type { Chunk } from './wire/chunk';
import { Reader } from './wire/reader';
import { Writer } from './wire/writer';

/** The fields that every request frame opens with. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Comes back in the response. */
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

/** The length that leads each frame, which functions that read take off first and those that encode put on. */
const LENGTH_BYTES = 4;

/**
 * Reads what a request frame (without its length) opens with. An API or version that isn't known is no error here, so
 * that it can be answered; its tagged fields are left in the body. Throws INVALID_REQUEST on a frame that is too short.
 */
export function readRequestHeader(frame: Uint8Array): RequestHeader {
  const reader = new Reader(frame);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  // Never compact, so that any broker can read it whatever the version.
  const clientId = reader.string(false);
  const api = apiByKey(apiKey);
  if (api !== undefined && apiVersion >= api.flexibleFrom && apiVersion <= api.maxVersion) skipTags(reader);
  return { apiKey, apiVersion, correlationId, clientId, bodyOffset: reader.pos };
}

/**
 * Reads a whole request frame (without its length). Throws UNSUPPORTED_VERSION for an API or version that isn't served,
 * and INVALID_REQUEST for bytes that aren't the request they claim to be, or that are more than it.
 */
export function readRequest(frame: Uint8Array): Request {
  const header = readRequestHeader(frame);
  const { apiKey, apiVersion } = header;
  const api = apiByKey(apiKey);
  if (api === undefined) {
    throw new OttlaError('UNSUPPORTED_VERSION', `API key ${apiKey} isn't served; ApiVersions lists those that are`);
  }
  checkVersion(api, apiVersion);
  const reader = new Reader(frame, header.bodyOffset);
  const body = api.request.read(reader, apiVersion);
  checkEnd(reader, api.request.name, apiVersion);
  return { name: api.name, header, api, body } as Request;
}

/** A request with its length prefix. Record batches are copied into it; a file's range can't be. */
export function encodeRequest<Req extends Shape, Res extends Shape>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: InputOf<Schema<Req>>,
): Uint8Array {
  const writer = new Writer();
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(correlationId);
  if (clientId === null) writer.nullString(false);
  else writer.string(clientId, false);
  if (version >= api.flexibleFrom) writer.unsignedVarint(0);
  api.request.write(writer, version, body);
  const frame = writer.toBytes();
  putInt32(frame, 0, frame.length - LENGTH_BYTES);
  return frame;
}

/** A response with its length prefix. Record batches are passed through uncopied, as chunks of their own. */
export function encodeResponse<Req extends Shape, Res extends Shape>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  body: InputOf<Schema<Res>>,
): ResponseFrame {
  const writer = new Writer();
  writer.int32(0);
  writer.int32(correlationId);
  if (hasFlexibleResponseHeader(api, version)) writer.unsignedVarint(0);
  api.response.write(writer, version, body);
  const frame = writer.finish();
  // The first chunk begins with the place of the length.
  putInt32(frame.chunks[0] as Uint8Array, 0, frame.byteLength - LENGTH_BYTES);
  return frame;
}

/** Reads a response frame (without its length) to a request of this API and version. */
export function readResponse<Req extends Shape, Res extends Shape>(
  api: Api<Req, Res>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: MessageOf<Schema<Res>> } {
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (hasFlexibleResponseHeader(api, version)) skipTags(reader);
  const body = api.response.read(reader, version);
  checkEnd(reader, api.response.name, version);
  return { correlationId, body: body as MessageOf<Schema<Res>> };
}

/** ApiVersions is answered without tags in the header: its reader may not know the version that it asked for. */
function hasFlexibleResponseHeader(api: AnyApi, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== apis.ApiVersions.key;
}

function checkVersion(api: AnyApi, version: number): void {
  if (version >= api.minVersion && version <= api.maxVersion) return;
  const served = `versions ${api.minVersion} to ${api.maxVersion} are served`;
  throw new OttlaError('UNSUPPORTED_VERSION', `${api.name} version ${version} isn't served; ${served}`);
}

function checkEnd(reader: Reader, name: string, version: number): void {
  if (reader.remaining === 0) return;
  throw reader.malformed(`${name} version ${version}: ${reader.remaining} bytes too many`);
}

/** No header field of Kafka's is tagged so far. */
function skipTags(reader: Reader): void {
  const count = reader.unsignedVarint();
  if (count > reader.remaining) throw reader.malformed(`${count} tagged fields in the header`);
  for (let i = 0; i < count; i++) {
    reader.unsignedVarint();
    reader.skip(reader.unsignedVarint());
  }
}
