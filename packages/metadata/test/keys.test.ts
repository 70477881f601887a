import fc from 'fast-check';
import { keysFor, parseKey } from '../src';

const keys = keysFor('main.cluster-1');
const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
const id = fc.nat(9_999_999_999);

const cases = fc.oneof(
  fc.constantFrom(
    [keys.generation(), { kind: 'generation' }] as const,
    [keys.controller(), { kind: 'controller' }] as const,
    [keys.producerIds(), { kind: 'producer-ids' }] as const,
  ),
  id.map((broker) => [keys.broker(broker), { kind: 'broker', broker }] as const),
  id.map((broker) => [keys.lastRun(broker), { kind: 'last-run', broker }] as const),
  word.map((name) => [keys.topic(name), { kind: 'topic', name }] as const),
  fc
    .tuple(word, id)
    .map(
      ([topicId, partition]) =>
        [keys.partition(topicId, partition), { kind: 'partition', topicId, partition }] as const,
    ),
  word.map((topicId) => [keys.deletion(topicId), { kind: 'deletion', topicId }] as const),
  fc
    .tuple(word, word)
    .map(([resourceType, name]) => [keys.config(resourceType, name), { kind: 'config', resourceType, name }] as const),
);

describe('keys', () => {
  it('parse as what they were made for', () => {
    fc.assert(fc.property(cases, ([key, parsed]) => expect(parseKey(keys, key)).toEqual(parsed)));
  });

  it.each([
    '/ottla/main.cluster-10/controller',
    '/ottla/main.cluster-1',
    '/ottla/main.cluster-1/',
    '/ottla/main.cluster-1/later',
    '/ottla/main.cluster-1/brokers/x',
    '/ottla/main.cluster-1/brokers/01',
    '/ottla/main.cluster-1/brokers/-1',
    '/ottla/main.cluster-1/brokers/',
    '/ottla/main.cluster-1/partitions/id',
    '/ottla/main.cluster-1/partitions/id/1/2',
    '/ottla/main.cluster-1/configs/brokers',
    'controller',
  ])('%s is none of this cluster', (key) => expect(parseKey(keys, key)).toBeNull());

  it('lie below the prefixes that are listed and watched', () => {
    expect(keys.broker(7)).toBe(`${keys.brokers()}7`);
    expect(keys.topic('t')).toBe(`${keys.topics()}t`);
    expect(keys.partition('id', 3)).toBe(`${keys.partitions('id')}3`);
    expect(keys.partitions('id')).toBe(`${keys.partitions()}id/`);
    expect(keys.deletion('id')).toBe(`${keys.deletions()}id`);
    for (const key of [keys.generation(), keys.brokers(), keys.configs(), keys.producerIds()]) {
      expect(key.startsWith(keys.prefix)).toBe(true);
    }
  });

  it.each(['', 'a/b', 'a b', 'ü', 'x'.repeat(256)])('cluster id %j: refused with what is allowed', (clusterId) => {
    expect(() => keysFor(clusterId)).toThrow(/use 1 to 255 letters, digits/);
  });
});
