import { OttlaError } from '@ottla/protocol';
import * as fc from 'fast-check';
import { describeConfig } from '../../src/config/describe';
import { LONG_MAX } from '../../src/config/kinds';
import { environmentVariable, loadBrokerConfig } from '../../src/config/load';
import { nearest } from '../../src/config/nearest';
import { brokerConfig, brokerSettings, type SettingName, settingNamed } from '../../src/config/schema';
import { checkTopicConfigs, topicConfig } from '../../src/config/topic-settings';

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(OttlaError);
    expect((error as OttlaError).code).toBe('INVALID_CONFIG');
    return (error as OttlaError).message;
  }
  throw new Error('nothing was thrown');
}

const file = (settings: unknown) => ({ path: '/etc/ottla.json', text: JSON.stringify(settings) });

describe('precedence', () => {
  it('nothing given: the defaults, none of which has an origin', () => {
    const config = brokerConfig();
    expect(config['log.segment.bytes']).toBe(1073741824);
    expect(config.origins.size).toBe(0);
  });

  it('file, environment and flag: the flag wins over the environment, which wins over the file', () => {
    const config = loadBrokerConfig({
      file: file({ 'node.id': 1, 'num.partitions': 1, 'log.roll.ms': 1 }),
      environment: { OTTLA_NUM_PARTITIONS: '2', OTTLA_LOG_ROLL_MS: '2' },
      flags: ['log.roll.ms=3'],
    });
    expect([config['node.id'], config['num.partitions'], config['log.roll.ms']]).toEqual([1, 2, 3]);
    expect(config.origins.get('node.id')?.where).toBe('file /etc/ottla.json');
    expect(config.origins.get('num.partitions')?.where).toBe('environment variable OTTLA_NUM_PARTITIONS');
    expect(config.origins.get('log.roll.ms')?.where).toBe('--set');
  });

  it('a flag given twice: the last one wins', () => {
    expect(loadBrokerConfig({ flags: ['node.id=4', 'node.id=5'] })['node.id']).toBe(5);
  });

  it('a flag whose value has an equals sign: keeps it', () => {
    expect(loadBrokerConfig({ flags: ['broker.rack=a=b'] })['broker.rack']).toBe('a=b');
  });
});

describe('values', () => {
  const cases: [SettingName, unknown, unknown][] = [
    ['node.id', '12', 12],
    ['node.id', 12, 12],
    ['node.id', ' 12 ', 12],
    ['auto.create.topics.enable', 'FALSE', false],
    ['auto.create.topics.enable', false, false],
    ['broker.rack', '', null],
    ['broker.rack', null, null],
    ['broker.rack', 'eu-1a', 'eu-1a'],
    ['log.flush.interval.ms', '9223372036854775807', LONG_MAX],
    ['log.retention.bytes', -1, -1],
    ['log.cleaner.min.cleanable.ratio', '0.25', 0.25],
    ['log.cleanup.policy', 'delete, compact', ['delete', 'compact']],
    ['log.cleanup.policy', ['compact'], ['compact']],
    ['log.message.timestamp.type', 'logappendtime', 'LogAppendTime'],
    ['log.dirs', '/var/lib/ottla', ['/var/lib/ottla']],
    ['listeners', 'plaintext://:9092', [{ name: 'PLAINTEXT', host: '', port: 9092 }]],
    ['listeners', 'PLAINTEXT://[::1]:0', [{ name: 'PLAINTEXT', host: '::1', port: 0 }]],
    [
      'metadata.store.endpoints',
      'http://a:2379/,b:2380',
      [
        { host: 'a', port: 2379 },
        { host: 'b', port: 2380 },
      ],
    ],
    ['grpc.listen', '0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['grpc.advertised', '', null],
    ['grpc.advertised', 'example.org:443', { host: 'example.org', port: 443 }],
  ];
  it.each(cases)('%s from %j is %j', (name, given, expected) => {
    expect(loadBrokerConfig({ file: file({ [name]: given }) })[name]).toEqual(expected);
  });

  const refused: [SettingName, unknown, RegExp][] = [
    ['node.id', -1, /node\.id is -1 .*expected a whole number from 0 to 2147483647/],
    ['node.id', 1.5, /expected a whole number/],
    ['node.id', '12kb', /node\.id is "12kb"/],
    ['node.id', '', /expected a whole number/],
    ['node.id', true, /expected a whole number/],
    ['node.id', {}, /expected a whole number/],
    ['auto.create.topics.enable', 'yes', /expected true or false/],
    ['log.segment.bytes', 63, /from 64 to 2147483647 \(bytes\)/],
    ['socket.request.max.bytes', 0x16000000, /from 1024 to 369098751/],
    ['log.dirs', 'a,b', /expected one directory/],
    ['log.dirs', [], /expected one directory/],
    ['compression.type', 'gzip', /expected "producer"/],
    ['log.message.timestamp.type', 'Now', /one of CreateTime, LogAppendTime/],
    ['listeners', 'localhost:9092', /NAME:\/\/host:port/],
    ['listeners', 'PLAINTEXT://localhost', /NAME:\/\/host:port/],
    ['listeners', 'PLAINTEXT://localhost:99999', /NAME:\/\/host:port/],
    ['metadata.store.endpoints', 'https://a:2379', /host:port/],
    ['grpc.listen', '9092', /host:port/],
    ['grpc.listen', null, /host:port/],
    ['grpc.advertised', 'nowhere', /host:port/],
    ['cluster.id', 'a b', /1 to 64 letters/],
  ];
  it.each(refused)('%s from %j is refused, saying what is expected', (name, given, message) => {
    expect(messageOf(() => loadBrokerConfig({ file: file({ [name]: given }) }))).toMatch(message);
  });

  it('several faults: all are named, each with its place', () => {
    const message = messageOf(() =>
      loadBrokerConfig({
        file: file({ 'node.id': -1, 'log.segmnt.bytes': 1 }),
        environment: { OTTLA_NUM_PARTITIONS: 'x', OTTLA_NUM_PARTITION: '1' },
        flags: ['nonsense', 'log.roll.ms=0'],
      }),
    );
    expect(message).toContain(
      'unknown setting log.segmnt.bytes (file /etc/ottla.json): did you mean log.segment.bytes?',
    );
    expect(message).toContain('OTTLA_NUM_PARTITION is no setting: did you mean OTTLA_NUM_PARTITIONS?');
    expect(message).toContain('--set nonsense: expected name=value');
    expect(message).toContain('node.id is -1 (file /etc/ottla.json)');
    expect(message).toContain('num.partitions is "x" (environment variable OTTLA_NUM_PARTITIONS)');
    expect(message).toContain('log.roll.ms is "0" (--set)');
    expect(message.split('\n')).toHaveLength(7);
  });

  it('an unknown setting that resembles none: says where to look', () => {
    expect(messageOf(() => loadBrokerConfig({ flags: ['zzzzzzzzzzzzzzzzzzzz=1'] }))).toContain('`ottla config --help`');
  });

  it('names that every object has: are unknown settings too', () => {
    const message = messageOf(() =>
      loadBrokerConfig({ file: { path: 'f', text: '{"__proto__": 1, "constructor": 2}' } }),
    );
    expect(message).toContain('unknown setting constructor');
  });

  it.each([
    ['no JSON', '{"node.id": }', /\/x\.json is not JSON/],
    ['a list', '[1]', /expected a JSON object/],
    ['null', 'null', /expected a JSON object/],
  ])('a file that is %s: is refused by its path', (_, text, message) => {
    expect(messageOf(() => loadBrokerConfig({ file: { path: '/x.json', text } }))).toMatch(message);
  });

  it("variables that Kubernetes sets for a service called ottla: are ignored, as are other programs'", () => {
    const environment = {
      OTTLA_SERVICE_HOST: '10.1.1.1',
      OTTLA_SERVICE_PORT: '9092',
      OTTLA_SERVICE_PORT_KAFKA: '9092',
      OTTLA_PORT: 'tcp://10.1.1.1:9092',
      OTTLA_PORT_9092_TCP: 'tcp://10.1.1.1:9092',
      OTTLA_PORT_9092_TCP_ADDR: '10.1.1.1',
      OTTLA_BROKER_SERVICE_HOST: '10.1.1.1',
      KAFKA_NODE_ID: '9',
      PATH: '/bin',
    };
    expect(loadBrokerConfig({ environment }).origins.size).toBe(0);
  });
});

describe('settings that contradict each other', () => {
  const cases: [string, Partial<Record<SettingName, unknown>>, RegExp][] = [
    [
      'a session shorter than two heartbeats',
      { 'broker.session.timeout.ms': 900 },
      /at least 2 times broker\.heartbeat\.interval\.ms, which is 500/,
    ],
    ['group sessions upside down', { 'group.max.session.timeout.ms': 10 }, /group\.max\.session\.timeout\.ms is 10/],
    ['messages larger than requests', { 'message.max.bytes': 200000000 }, /socket\.request\.max\.bytes is 104857600/],
    ['etcd without endpoints', { 'metadata.store': 'etcd' }, /set metadata\.store\.endpoints/],
    ['no listener', { listeners: '' }, /listeners is empty/],
    ['a TLS listener', { listeners: 'SSL://:9093' }, /plain text only/],
    ['one port for two listeners', { listeners: 'A://:1,B://:1' }, /one port twice/],
    ['one name for two listeners', { listeners: 'A://:1,A://:2' }, /names A twice/],
    [
      'an address for no listener',
      { 'advertised.listeners': 'OUTSIDE://a:1' },
      /OUTSIDE, which is not one of listeners \(PLAINTEXT\)/,
    ],
    [
      'an address nobody can connect to',
      { 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' },
      /no client can connect/,
    ],
  ];
  it.each(cases)('%s: are refused with the way out', (_, values, message) => {
    expect(messageOf(() => brokerConfig(values))).toMatch(message);
  });

  it('several listeners on free ports, one of them advertised: are taken', () => {
    const config = brokerConfig({ listeners: 'A://:0,B://:0', 'advertised.listeners': 'B://example.org:9' });
    expect(config.listeners).toHaveLength(2);
  });
});

describe('describeConfig', () => {
  it('every setting: a sentence of documentation, a default that the setting itself accepts, a variable of its own', () => {
    const described = describeConfig();
    expect(described).toHaveLength(Object.keys(brokerSettings).length);
    expect(new Set(described.map((setting) => setting.environmentVariable)).size).toBe(described.length);
    for (const setting of described) {
      expect(setting.doc).toMatch(/^[A-Z].*[.]$/);
      const loaded = loadBrokerConfig({ flags: [`${setting.name}=${setting.default}`] });
      expect(loaded[setting.name]).toEqual(settingNamed(setting.name).default);
      expect(environmentVariable(setting.name)).toMatch(/^OTTLA_[A-Z0-9_]+$/);
    }
  });

  it('a setting that nothing acts on yet: says so', () => {
    const retention = describeConfig().find((setting) => setting.name === 'log.retention.ms');
    expect(retention?.doc).toContain('does not act on it yet');
  });
});

describe('topic settings', () => {
  const broker = brokerConfig({ 'log.segment.bytes': 5000, 'min.insync.replicas': 2 });

  it("no configs of its own: the broker's values", () => {
    const config = topicConfig(broker, {});
    expect([config['segment.bytes'], config['min.insync.replicas'], config['max.message.bytes']]).toEqual([
      5000, 2, 1048588,
    ]);
  });

  it('configs of its own: win over the broker', () => {
    const config = topicConfig(broker, { 'segment.bytes': '100', 'cleanup.policy': 'compact,delete' });
    expect([config['segment.bytes'], config['cleanup.policy']]).toEqual([100, ['compact', 'delete']]);
  });

  it('a stored value that no longer parses: gives way to the default', () => {
    expect(topicConfig(broker, { 'segment.bytes': 'huge' })['segment.bytes']).toBe(5000);
  });

  it('the same configs asked for again: the same object', () => {
    const configs = { 'segment.bytes': '100' };
    expect(topicConfig(broker, configs)).toBe(topicConfig(broker, configs));
  });

  it('checked configs: come back in the form in which they are stored', () => {
    const checked = checkTopicConfigs([
      ['retention.ms', ' 100 '],
      ['unclean.leader.election.enable', 'TRUE'],
      ['flush.ms', '9223372036854775807'],
    ]);
    expect(checked).toEqual({
      'retention.ms': '100',
      'unclean.leader.election.enable': 'true',
      'flush.ms': '9223372036854775807',
    });
  });

  it.each([
    ['an unknown name', 'retention.sm', '1', /unknown topic config retention\.sm: did you mean retention\.ms\?/],
    ["a broker's setting", 'log.dirs', '1', /unknown topic config/],
    ['a value out of range', 'min.insync.replicas', '0', /min\.insync\.replicas is "0": expected .*\(replicas\)/],
    ['no value', 'retention.ms', null, /retention\.ms is null/],
    ['compression by the broker', 'compression.type', 'zstd', /expected "producer"/],
  ])('%s: is refused', (_, name, value, message) => {
    expect(messageOf(() => checkTopicConfigs([[name, value]]))).toMatch(message);
  });
});

describe('nearest', () => {
  it.each([
    ['log.segment.byte', 'log.segment.bytes'],
    ['log.sgement.bytes', 'log.segment.bytes'],
    ['LOG.SEGMENT.BYTES', 'log.segment.bytes'],
    ['node.di', 'node.id'],
    ['completely.different.thing', null],
  ])('%s is meant to be %s', (word, expected) => {
    expect(nearest(word, Object.keys(brokerSettings))).toBe(expected);
  });

  it('a name with one letter changed: is found again', () => {
    const names = Object.keys(brokerSettings).filter((name) => name.length > 8);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), (name, seed) => {
        const at = seed % name.length;
        const changed = `${name.slice(0, at)}~${name.slice(at + 1)}`;
        expect(nearest(changed, names)).toBe(name);
      }),
    );
  });
});
