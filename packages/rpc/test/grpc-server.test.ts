import { once } from 'node:events';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { type Logger, nodeClock, nodeTcp, silentLogger } from '@ottla/runtime';
import * as protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor';
import { createGrpcServer, type GrpcServer, looksLikeHttp2 } from '../src';
import { adminService, brokerService } from '../src/door/services';
import type { HealthCheckRequest, HealthCheckResponse, HealthListResponse } from '../src/generated/health';
import { healthDescriptor } from '../src/generated/health-descriptor';
import type { ServerReflectionRequest, ServerReflectionResponse } from '../src/generated/reflection';
import { reflectionDescriptor } from '../src/generated/reflection-descriptor';
import { FLOW_CONTROL_WINDOW } from '../src/stream/channel';
import { Codecs } from '../src/wire/codec';
import { HOST } from './streams';

const warnings: string[] = [];
const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
const health = new Codecs(healthDescriptor);
const reflection = new Codecs(reflectionDescriptor);

let server: GrpcServer;
let port: number;
let client: Client;

beforeEach(async () => {
  warnings.length = 0;
  server = createGrpcServer({ clock: nodeClock, logger });
  server.addService(brokerService, {});
  server.addService(adminService, {});
  ({ port } = await server.listen({ host: HOST, port: 0 }));
  client = new Client(`${HOST}:${port}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await server.close();
});

function call<Request, Response>(
  codecs: Codecs,
  method: string,
  request: Request,
  through = client,
): Promise<Response> {
  const names: Record<string, [string, string]> = {
    Check: ['HealthCheckRequest', 'HealthCheckResponse'],
    List: ['HealthListRequest', 'HealthListResponse'],
  };
  const [input, output] = names[method]!.map((name) => `grpc.health.v1.${name}`);
  return new Promise((resolve, reject) =>
    through.makeUnaryRequest<Request, Response>(
      `/grpc.health.v1.Health/${method}`,
      codecs.of<Request>(input!).serialize,
      codecs.of<Response>(output!).deserialize,
      request,
      (error, response) => (error === null ? resolve(response!) : reject(error)),
    ),
  );
}

const check = (service: string, through = client): Promise<HealthCheckResponse> =>
  call<HealthCheckRequest, HealthCheckResponse>(health, 'Check', { service }, through);

describe('health', () => {
  it('the server serves as soon as it listens', async () => {
    expect(await check('')).toMatchObject({ status: 1 });
  });

  it('a service that was set to not serving says so, alone', async () => {
    server.setHealth('ottla.v1.Broker', 'not-serving');
    expect(await check('ottla.v1.Broker')).toMatchObject({ status: 2 });
    const { statuses } = await call<object, HealthListResponse>(health, 'List', {});
    expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
      ['', 1],
      ['ottla.v1.Broker', 2],
    ]);
  });

  it('a service that nobody named is not found', async () => {
    const error: ServiceError = await check('nobody').then(
      () => Promise.reject(new Error('answered')),
      (reason) => reason,
    );
    expect(error.code).toBe(5);
  });

  it('a watch is told each change, of an unknown service too', async () => {
    const watch = client.makeServerStreamRequest<HealthCheckRequest, HealthCheckResponse>(
      '/grpc.health.v1.Health/Watch',
      health.of<HealthCheckRequest>('grpc.health.v1.HealthCheckRequest').serialize,
      health.of<HealthCheckResponse>('grpc.health.v1.HealthCheckResponse').deserialize,
      { service: 'later' },
    );
    const states: number[] = [];
    for await (const { status } of watch as AsyncIterable<HealthCheckResponse>) {
      states.push(status);
      if (states.length === 1) server.setHealth('later', 'serving');
      if (states.length === 2) server.setHealth('later', 'not-serving');
      if (states.length === 3) break;
    }
    expect(states).toEqual([3, 1, 2]);
  });
});

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  async function reflect(request: Partial<ServerReflectionRequest>): Promise<ServerReflectionResponse> {
    const stream = client.makeBidiStreamRequest<ServerReflectionRequest, ServerReflectionResponse>(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      reflection.of<ServerReflectionRequest>(`grpc.reflection.${version}.ServerReflectionRequest`).serialize,
      reflection.of<ServerReflectionResponse>(`grpc.reflection.${version}.ServerReflectionResponse`).deserialize,
    );
    stream.on('error', () => {});
    stream.end(request as ServerReflectionRequest);
    const [response] = (await once(stream, 'data')) as [ServerReflectionResponse];
    return response;
  }

  it('lists the services', async () => {
    const { listServicesResponse } = await reflect({ listServices: '*' });
    expect(listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'ottla.v1.Admin',
      'ottla.v1.Broker',
    ]);
  });

  it.each(['ottla.v1.Broker', 'ottla.v1.Broker.Produce', 'ottla.v1.ProduceEntry'])(
    'gives the file that defines %s, from which a client learns the methods',
    async (symbol) => {
      const { fileDescriptorResponse } = await reflect({ fileContainingSymbol: symbol });
      const root = readFiles(fileDescriptorResponse!.fileDescriptorProto);
      const { methods } = root.lookupService('ottla.v1.Broker');
      expect(methods.Produce).toMatchObject({ requestStream: true, responseStream: true });
      expect(methods.Metadata?.requestStream).toBeFalsy();
      expect(root.lookupType('ottla.v1.ProduceEntry').fields.records).toMatchObject({ id: 6, type: 'bytes' });
      expect(root.lookupType('ottla.v1.TopicMetadata').fields.configs).toMatchObject({ id: 7 });
    },
  );

  it('gives a file with the files that it imports', async () => {
    const { fileDescriptorResponse } = await reflect({ fileByFilename: 'ottla/peer/v1/session.proto' });
    expect(fileDescriptorResponse?.fileDescriptorProto).toHaveLength(2);
  });

  it('answers an unknown symbol with an error', async () => {
    const { errorResponse } = await reflect({ fileContainingSymbol: 'ottla.v1.Nothing' });
    expect(errorResponse).toMatchObject({ errorCode: 5, errorMessage: 'there is no symbol ottla.v1.Nothing' });
  });

  function readFiles(files: Uint8Array[]): protobuf.Root {
    const descriptor = require('protobufjs/ext/descriptor');
    const file = files.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
    const set = descriptor.FileDescriptorSet.fromObject({ file });
    const root = (protobuf.Root as unknown as { fromDescriptor(set: unknown): protobuf.Root }).fromDescriptor(set);
    root.resolveAll();
    return root;
  }
});

describe('connections of another listener', () => {
  it('one that begins with the HTTP/2 preface is taken over, whatever came with it', async () => {
    const listener = await nodeTcp.listen({ host: HOST, port: 0 }, (connection) => server.takeConnection(connection));
    const through = new Client(`${HOST}:${listener.port}`, credentials.createInsecure());
    expect(await check('', through)).toMatchObject({ status: 1 });
    through.close();
    await listener.close();
  });

  it('many calls of one such connection are answered while the reader is slow', async () => {
    const listener = await nodeTcp.listen({ host: HOST, port: 0 }, (connection) => server.takeConnection(connection));
    const through = new Client(`${HOST}:${listener.port}`, credentials.createInsecure());
    const answers = await Promise.all(Array.from({ length: 500 }, () => check('', through)));
    expect(answers.every(({ status }) => status === 1)).toBe(true);
    through.close();
    await listener.close();
  });
});

describe('what is not gRPC', () => {
  it.each([
    ['TLS', [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], /it speaks TLS, this port is plaintext: connect without TLS/],
    ['HTTP/1', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')], /it speaks HTTP\/1/],
    ['a Kafka request', [0, 0, 0, 20, 0, 18, 0, 3], /Kafka clients connect to the Kafka port/],
  ])('%s: the connection is closed with a word in the log, and others are served', async (_name, bytes, expected) => {
    const socket = connect(port, HOST);
    await once(socket, 'connect');
    socket.write(Buffer.from(bytes));
    socket.resume();
    await once(socket, 'close');
    expect(warnings).toEqual([expect.stringMatching(expected)]);
    expect(await check('')).toMatchObject({ status: 1 });
  });

  it('a preface that arrives byte by byte is one all the same', async () => {
    const relay = createServer((inner) => trickle(inner, connect(port, HOST).setNoDelay(true))).listen(0, HOST);
    await once(relay, 'listening');
    const through = new Client(`${HOST}:${(relay.address() as { port: number }).port}`, credentials.createInsecure());
    expect(await check('', through)).toMatchObject({ status: 1 });
    through.close();
    relay.close();
  });

  it('garbage after the preface closes that connection only', async () => {
    const socket = connect(port, HOST);
    await once(socket, 'connect');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.alloc(100, 0xff));
    socket.resume();
    await once(socket, 'close');
    expect(await check('')).toMatchObject({ status: 1 });
  });
});

it('clients may send megabytes ahead: the flow-control windows are wide in both directions', async () => {
  const session = connectHttp2(`http://${HOST}:${port}`);
  const [settings] = (await once(session, 'remoteSettings')) as [Settings];
  expect(settings.initialWindowSize).toBe(FLOW_CONTROL_WINDOW);
  // The connection's own window is widened by the frame that follows.
  while ((session.state.remoteWindowSize ?? 0) < FLOW_CONTROL_WINDOW) await new Promise(setImmediate);
  session.destroy();
});

describe('looksLikeHttp2', () => {
  it.each([
    ['the whole preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', true],
    ['the preface and more', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0', true],
    ['its first four bytes', 'PRI ', true],
    ['three bytes', 'PRI', false],
    ['another method', 'PRINT', false],
    ['a Kafka request', '\0\0\0\u0010\0\u0012\0\0', false],
    ['nothing', '', false],
  ])('%s', (_name, text, expected) => {
    expect(looksLikeHttp2(Buffer.from(text, 'latin1'))).toBe(expected);
  });
});

it('a closed server frees its port and ends what clients wait for', async () => {
  const stream = client.makeServerStreamRequest<HealthCheckRequest, HealthCheckResponse>(
    '/grpc.health.v1.Health/Watch',
    health.of<HealthCheckRequest>('grpc.health.v1.HealthCheckRequest').serialize,
    health.of<HealthCheckResponse>('grpc.health.v1.HealthCheckResponse').deserialize,
    { service: '' },
  );
  const ended = new Promise((resolve) => stream.on('error', resolve).on('end', resolve));
  await once(stream, 'data');
  await server.close();
  await ended;
  const again = createGrpcServer({ clock: nodeClock, logger });
  expect(await again.listen({ host: HOST, port })).toEqual({ port });
  await again.close();
});

/** Passes the first bytes on one by one, each in a packet of its own. */
function trickle(inner: Socket, outer: Socket): void {
  outer.pipe(inner);
  outer.on('error', () => inner.destroy());
  inner.on('error', () => outer.destroy());
  inner.once('data', async (first: Buffer) => {
    inner.pause();
    for (let at = 0; at < 24; at++) {
      outer.write(first.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    outer.write(first.subarray(24));
    inner.pipe(outer);
  });
}
