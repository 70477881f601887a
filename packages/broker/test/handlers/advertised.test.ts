import { reachableEndpoint } from '../../src/handlers/advertised';
import { registration } from '../support/fake-cluster';

const PLAINTEXT = 'PLAINTEXT';

function broker(id: number, host: string, port = 9090 + id) {
  return registration(id, { kafka: [{ listener: PLAINTEXT, host, port }] });
}

const cases: [
  string,
  { target: ReturnType<typeof broker>; self: ReturnType<typeof broker> | null; advertised?: boolean; local: string },
  { host: string; port: number } | null,
][] = [
  [
    'this broker, nothing advertised: the address by which the client came',
    { target: broker(1, '192.168.0.5'), self: broker(1, '192.168.0.5'), local: '127.0.0.1' },
    { host: '127.0.0.1', port: 9091 },
  ],
  [
    'this broker behind another interface: that interface',
    { target: broker(1, '192.168.0.5'), self: broker(1, '192.168.0.5'), local: '10.8.0.1' },
    { host: '10.8.0.1', port: 9091 },
  ],
  [
    'a broker on the same machine: the same address, its own port',
    { target: broker(2, '192.168.0.5'), self: broker(1, '192.168.0.5'), local: '127.0.0.1' },
    { host: '127.0.0.1', port: 9092 },
  ],
  [
    'a broker on another machine: its registered address',
    { target: broker(2, '192.168.0.6'), self: broker(1, '192.168.0.5'), local: '192.168.0.5' },
    { host: '192.168.0.6', port: 9092 },
  ],
  [
    'advertised.listeners: the registered address, however the client came',
    {
      target: broker(1, 'kafka.example.org'),
      self: broker(1, 'kafka.example.org'),
      advertised: true,
      local: '127.0.0.1',
    },
    { host: 'kafka.example.org', port: 9091 },
  ],
  [
    'advertised.listeners: the registered address of the others too',
    {
      target: broker(2, 'kafka.example.org'),
      self: broker(1, 'kafka.example.org'),
      advertised: true,
      local: '127.0.0.1',
    },
    { host: 'kafka.example.org', port: 9092 },
  ],
  [
    'this broker not registered yet: the registered address of another',
    { target: broker(2, '192.168.0.5'), self: null, local: '127.0.0.1' },
    { host: '192.168.0.5', port: 9092 },
  ],
  [
    'a broker without that listener: none',
    { target: registration(2, { kafka: [] }), self: broker(1, '192.168.0.5'), local: '127.0.0.1' },
    null,
  ],
  [
    'IPv6: as it is',
    { target: broker(1, '192.168.0.5'), self: broker(1, '192.168.0.5'), local: '::1' },
    { host: '::1', port: 9091 },
  ],
  [
    'a connection that has no address (already closed): the registered one',
    { target: broker(1, '192.168.0.5'), self: broker(1, '192.168.0.5'), local: '' },
    { host: '192.168.0.5', port: 9091 },
  ],
];

describe('the address that a client is given', () => {
  it.each(cases)('%s', (_, { target, self, advertised = false, local }, expected) => {
    const advertisedListeners = new Set(advertised ? [PLAINTEXT] : []);
    const connection = { listener: PLAINTEXT, localAddress: local };
    expect(reachableEndpoint({ target, self, advertisedListeners, connection })).toEqual(expected);
  });
});
