import { hostPort, int, listeners, long, optionalHostPort, optionalText } from './kinds';
import { dynamic, setting } from './setting';

/** Addresses, and what a connection may take. */
export const networkSettings = {
  listeners: setting(
    listeners,
    [{ name: 'PLAINTEXT', host: '', port: 9092 }],
    'Where Kafka clients connect: NAME://host:port, comma-separated. An empty host means every interface. Spoken in plain text.',
  ),
  'advertised.listeners': setting(
    listeners,
    [],
    'Addresses given to clients, by the names in `listeners`. Without it a client is given the address by which it came, or the one that the other broker registered.',
  ),
  'advertised.host': setting(
    optionalText('a host name or address', /^[^\s:/]+$|^[0-9A-Fa-f:.]+$/),
    null,
    'Host that this broker registers for listeners that have no advertised address and no host of their own. By default the first address of the machine that is not a loopback.',
  ),
  'grpc.listen': setting(hostPort, { host: '', port: 9192 }, 'Where gRPC clients connect.'),
  'grpc.advertised': setting(
    optionalHostPort,
    null,
    'Address given to gRPC clients. By default the host that is advertised to Kafka clients and the port of grpc.listen.',
  ),
  'peer.listen': setting(
    hostPort,
    { host: '', port: 9292 },
    'Where the other brokers connect, for replication and sessions.',
  ),
  'peer.advertised': setting(
    optionalHostPort,
    null,
    'Address given to the other brokers. By default the registered host and the port of peer.listen.',
  ),
  'admin.listen': setting(
    hostPort,
    { host: '127.0.0.1', port: 9392 },
    'Where /healthz and /metrics are answered over HTTP.',
  ),

  'socket.request.max.bytes': setting(
    // From 0x16000000 on, the first bytes of TLS would read as a length.
    int('bytes', { min: 1024, max: 0x15ffffff }),
    104857600,
    'Most bytes of one request. A longer one closes the connection.',
  ),
  'socket.inflight.max.requests': setting(
    int('requests', { min: 1 }),
    100,
    'Requests of one connection that may be handled at once; the connection is read no further until one is answered.',
  ),
  'socket.inflight.max.bytes': setting(
    int('bytes', { min: 1024 }),
    33554432,
    'Bytes of requests of one connection that may be handled at once. One request is always admitted.',
  ),
  'socket.send.backlog.max.bytes': setting(
    int('bytes', { min: 1024 }),
    67108864,
    'Bytes of replies that may wait for a client to read them; the connection is read no further until they have left.',
  ),
  'max.connections': dynamic(
    setting(
      int('connections', { min: 1 }),
      10000,
      'Most connections to one listener; further ones are closed at once.',
    ),
  ),
  'connections.max.idle.ms': setting(
    long('ms', { min: 1000 }),
    600000,
    'A connection without a request and without a reply for this long is closed.',
  ),
  'fetch.max.bytes': setting(
    int('bytes', { min: 1024 }),
    57671680,
    'Most bytes that one fetch is answered with, whatever the client asked for. A first batch that is larger is given all the same.',
  ),
};
