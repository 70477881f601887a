import { apis, ErrorCode } from '@ottla/protocol';
import { ask } from '../support/ask';
import { FakeCluster } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

const TOPIC = 2;
const BROKER = 4;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

type Change = readonly [name: string, operation: number, value: string | null];

function withTopic(configs: Record<string, string> = {}, config: Record<string, unknown> = {}): FakeServices {
  const services = fakeServices({ cluster: new FakeCluster([1, 2]), config });
  services.cluster.addTopic('t', [1], { configs });
  return services;
}

async function alter(
  services: FakeServices,
  resourceType: number,
  resourceName: string,
  changes: readonly Change[],
  { validateOnly = false, version = 1 } = {},
) {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
  const body = { resources: [{ resourceType, resourceName, configs }], validateOnly };
  return (await ask(apis.IncrementalAlterConfigs, version, body, services)).responses[0]!;
}

async function described(services: FakeServices, resourceType: number, resourceName: string, name: string) {
  const resource = { resourceType, resourceName, configurationKeys: [name] };
  const { results } = await ask(apis.DescribeConfigs, 4, { resources: [resource], includeSynonyms: true }, services);
  return results[0]!.configs[0];
}

const overrides = (services: FakeServices) => services.cluster.image.topics.get('t')!.value.configs;

describe('IncrementalAlterConfigs of a topic', () => {
  const changed: [string, Record<string, string>, Change[], Record<string, string>][] = [
    ['set: is added', {}, [['retention.ms', SET, '5000']], { 'retention.ms': '5000' }],
    ['set: replaces', { 'retention.ms': '1' }, [['retention.ms', SET, ' 5000 ']], { 'retention.ms': '5000' }],
    ['others: stay', { 'retention.ms': '1' }, [['segment.ms', SET, '2']], { 'retention.ms': '1', 'segment.ms': '2' }],
    ['delete: goes', { 'retention.ms': '1' }, [['retention.ms', DELETE, null]], {}],
    ['delete of what is not overridden: nothing', {}, [['retention.ms', DELETE, null]], {}],
    ['delete of what no version knows any more: goes', { old: 'x' }, [['old', DELETE, null]], {}],
    [
      'append: to the inherited list',
      {},
      [['cleanup.policy', APPEND, 'compact']],
      { 'cleanup.policy': 'delete,compact' },
    ],
    [
      'append of what is there: nothing',
      { 'cleanup.policy': 'compact' },
      [['cleanup.policy', APPEND, 'compact']],
      { 'cleanup.policy': 'compact' },
    ],
    [
      'subtract: from the own list',
      { 'cleanup.policy': 'delete,compact' },
      [['cleanup.policy', SUBTRACT, 'delete']],
      { 'cleanup.policy': 'compact' },
    ],
    [
      'subtract of what is not there: nothing',
      { 'cleanup.policy': 'compact' },
      [['cleanup.policy', SUBTRACT, 'delete']],
      { 'cleanup.policy': 'compact' },
    ],
  ];
  it.each(changed)('%s', async (_, before, changes, after) => {
    for (const version of [0, 1]) {
      const services = withTopic(before);
      expect(await alter(services, TOPIC, 't', changes, { version })).toEqual({
        errorCode: 0,
        errorMessage: null,
        resourceType: TOPIC,
        resourceName: 't',
      });
      expect(overrides(services)).toEqual(after);
    }
  });

  it('validateOnly: changes nothing, and refuses what would be refused', async () => {
    const services = withTopic();
    const only = { validateOnly: true };
    expect(await alter(services, TOPIC, 't', [['retention.ms', SET, '5']], only)).toMatchObject({ errorCode: 0 });
    expect((await alter(services, TOPIC, 't', [['retention.ms', SET, 'x']], only)).errorCode).not.toBe(0);
    expect(overrides(services)).toEqual({});
  });

  const refused: [string, number, string, Change[], keyof typeof ErrorCode, RegExp][] = [
    ['a typing error', TOPIC, 't', [['retention.m', SET, '1']], 'INVALID_CONFIG', /did you mean retention\.ms/],
    ['a value out of range', TOPIC, 't', [['segment.bytes', SET, '1']], 'INVALID_CONFIG', /"1": expected .*from 64 to/],
    [
      'a list that ends empty',
      TOPIC,
      't',
      [['cleanup.policy', SUBTRACT, 'delete']],
      'INVALID_CONFIG',
      /cleanup\.policy/,
    ],
    ['append to a number', TOPIC, 't', [['segment.ms', APPEND, '1']], 'INVALID_CONFIG', /segment\.ms is not a list/],
    ['delete of a typing error', TOPIC, 't', [['segment.mss', DELETE, null]], 'INVALID_CONFIG', /did you mean/],
    ['no value', TOPIC, 't', [['segment.ms', SET, null]], 'INVALID_REQUEST', /segment\.ms: a value is needed to set/],
    ['an unknown operation', TOPIC, 't', [['segment.ms', 4, '1']], 'INVALID_REQUEST', /operation 4/],
    [
      'a setting twice',
      TOPIC,
      't',
      [
        ['segment.ms', SET, '1'],
        ['segment.ms', DELETE, null],
      ],
      'INVALID_REQUEST',
      /changed twice/,
    ],
    [
      'one good and one bad: neither',
      TOPIC,
      't',
      [
        ['segment.ms', SET, '1'],
        ['x', SET, '1'],
      ],
      'INVALID_CONFIG',
      /x/,
    ],
    ['no such topic', TOPIC, 'u', [['segment.ms', SET, '1']], 'UNKNOWN_TOPIC_OR_PARTITION', /no such topic/],
    ['no possible topic', TOPIC, 'a b', [], 'INVALID_TOPIC_EXCEPTION', /can't be the name/],
    ['a logger', 8, '1', [], 'INVALID_REQUEST', /resource type 8/],
    ['no such broker', BROKER, '7', [], 'INVALID_REQUEST', /no broker "7": name one of 1, 2/],
    ['no broker id', BROKER, 'x', [], 'INVALID_REQUEST', /no broker "x"/],
  ];
  it.each(refused)('%s: is refused with words', async (_, type, name, changes, code, message) => {
    const services = withTopic();
    const answer = await alter(services, type, name, changes);
    expect(answer).toMatchObject({ errorCode: ErrorCode[code], resourceType: type, resourceName: name });
    expect(answer.errorMessage).toMatch(message);
    expect(overrides(services)).toEqual({});
  });

  it('one resource twice: both are refused, the others are altered', async () => {
    const services = withTopic();
    services.cluster.addTopic('u');
    const resource = (resourceName: string) => ({
      resourceType: TOPIC,
      resourceName,
      configs: [{ name: 'segment.ms', configOperation: SET!, value: '9' }],
    });
    const body = { resources: [resource('t'), resource('u'), resource('t')], validateOnly: false };
    const { responses } = await ask(apis.IncrementalAlterConfigs, 1, body, services);
    const codes = responses.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.INVALID_REQUEST, 0, ErrorCode.INVALID_REQUEST]);
    expect(overrides(services)).toEqual({});
  });
});

describe('IncrementalAlterConfigs of brokers', () => {
  it('one broker before all brokers before what it was started with, each shown as a synonym', async () => {
    const services = withTopic({}, { 'log.segment.bytes': 4096 });
    await alter(services, BROKER, '', [['log.segment.bytes', SET, '8192']]);
    await alter(services, BROKER, '1', [['log.segment.bytes', SET, '16384']]);
    expect(services.config['log.segment.bytes']).toBe(16384);
    const name = 'log.segment.bytes';
    const [own, all, started, standard] = [
      { name, value: '16384', source: 2 },
      { name, value: '8192', source: 3 },
      { name, value: '4096', source: 4 },
      { name, value: '1073741824', source: 5 },
    ];
    expect(await described(services, BROKER, '1', name)).toMatchObject({
      value: '16384',
      configSource: 2,
      readOnly: false,
      synonyms: [own, all, started, standard],
    });
    expect(await described(services, BROKER, '', name)).toMatchObject({ value: '8192', configSource: 3 });
    expect(await described(services, TOPIC, 't', 'segment.bytes')).toMatchObject({
      value: '16384',
      configSource: 2,
      synonyms: [own, all, started, standard],
    });
    await alter(services, BROKER, '1', [[name, DELETE, null]]);
    expect(await described(services, BROKER, '1', name)).toMatchObject({ value: '8192', configSource: 3 });
    await alter(services, BROKER, '', [[name, DELETE, null]]);
    expect(await described(services, BROKER, '1', name)).toMatchObject({ value: '4096', configSource: 4 });
  });

  it('another broker: is altered without a change here', async () => {
    const services = withTopic();
    expect(await alter(services, BROKER, '2', [['max.connections', SET, '5']])).toMatchObject({ errorCode: 0 });
    expect(services.config['max.connections']).toBe(10000);
    expect(services.cluster.image.configs.get('brokers/2')?.value.configs).toEqual({ 'max.connections': '5' });
  });

  it('append: to what the broker inherits from all brokers', async () => {
    const services = withTopic();
    await alter(services, BROKER, '', [['log.cleanup.policy', SET, 'compact']]);
    await alter(services, BROKER, '1', [['log.cleanup.policy', APPEND, 'delete']]);
    expect(services.config['log.cleanup.policy']).toEqual(['compact', 'delete']);
  });

  it('a stored value that this version does not take: is passed over, with a warning', () => {
    const services = withTopic();
    services.cluster.setConfigs(null, { 'max.connections': 'many', 'num.partitions': '9', nonsense: '1' });
    expect([services.config['max.connections'], services.config['num.partitions']]).toEqual([10000, 1]);
    expect(services.logger.matching(/^warn: the stored setting .* is passed over/)).toHaveLength(3);
  });

  it('nothing changed: the settings are the same object, so that what is derived from them is kept', async () => {
    const services = withTopic();
    const before = services.config;
    services.cluster.addTopic('u');
    expect(services.config).toBe(before);
  });

  it.each([
    ['1', 'num.partitions', '3', 'INVALID_REQUEST', /num\.partitions can't be changed while the broker runs/],
    ['', 'listeners', 'PLAINTEXT://:1', 'INVALID_REQUEST', /restart the broker/],
    ['1', 'min.insync.replicas', '2', 'INVALID_REQUEST', /the same on all brokers/],
    ['', 'max.conections', '2', 'INVALID_CONFIG', /did you mean max\.connections/],
    ['', 'min.insync.replicas', '0', 'INVALID_CONFIG', /"0": expected/],
    [
      '',
      'message.max.bytes',
      '2000000000',
      'INVALID_CONFIG',
      /socket\.request\.max\.bytes is 104857600: expected at least/,
    ],
  ] as const)('broker "%s", %s=%s: %s', async (broker, name, value, code, message) => {
    const services = withTopic();
    const answer = await alter(services, BROKER, broker, [[name, SET!, value]]);
    expect(answer.errorCode).toBe(ErrorCode[code]);
    expect(answer.errorMessage).toMatch(message);
    expect(services.cluster.image.configs.size).toBe(0);
  });
});

describe('AlterConfigs', () => {
  async function replace(services: FakeServices, configs: Record<string, string | null>, version = 2) {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const resources = [{ resourceType: TOPIC, resourceName: 't', configs: entries }];
    return (await ask(apis.AlterConfigs, version, { resources, validateOnly: false }, services)).responses[0]!;
  }

  it.each([0, 1, 2])('version %i: what is not named loses its override', async (version) => {
    const services = withTopic({ 'retention.ms': '1', 'segment.ms': '2', old: 'x' });
    expect(await replace(services, { 'retention.ms': '7' }, version)).toMatchObject({ errorCode: 0 });
    expect(overrides(services)).toEqual({ 'retention.ms': '7' });
  });

  it('no value: is refused with words, and nothing changes', async () => {
    const services = withTopic({ 'retention.ms': '1' });
    const answer = await replace(services, { 'segment.ms': null });
    expect(answer.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(answer.errorMessage).toMatch(/leave it out/);
    expect(overrides(services)).toEqual({ 'retention.ms': '1' });
  });
});
