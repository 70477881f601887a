import { type ClusterImage, type KeyValue, keysFor, parseKey } from '@ottla/metadata';
import type { Violation } from '../../run/result';

const INVARIANT = '8 images';

/** An image equals the store at its revision: every key with its revisions, and nothing else. */
export function imageEqualsStore(
  at: number,
  broker: number,
  image: ClusterImage,
  store: { readonly revision: number; readonly entries: readonly KeyValue[] },
): Violation[] {
  if (image.revision !== store.revision) return [];
  const violations: Violation[] = [];
  const keys = keysFor(image.clusterId);
  let expected = 0;
  for (const { key, modRevision, createRevision } of store.entries) {
    const held = revisionsOf(image, parseKey(keys, key));
    if (held === undefined || image.unreadable.has(key)) continue;
    expected++;
    if (held?.modRevision === modRevision && held.createRevision === createRevision) continue;
    const told = held === null ? 'lacks it' : `has it as of ${held.modRevision}`;
    const message = `at revision ${store.revision} the store has ${key} as of ${modRevision}; the image of broker ${broker} ${told}`;
    violations.push({ invariant: INVARIANT, at, message });
  }
  const held = sizeOf(image);
  if (violations.length === 0 && held !== expected) {
    const message = `at revision ${store.revision} the image of broker ${broker} has ${held} records, the store ${expected}`;
    violations.push({ invariant: INVARIANT, at, message });
  }
  return violations;
}

type Revisions = { readonly modRevision: number; readonly createRevision: number };

/** Undefined for keys that images don't hold. */
function revisionsOf(image: ClusterImage, key: ReturnType<typeof parseKey>): Revisions | null | undefined {
  switch (key?.kind) {
    case 'generation':
      return image.generation;
    case 'controller':
      return image.controller;
    case 'producer-ids':
      return image.producerIds;
    case 'broker':
      return image.brokers.get(key.broker) ?? null;
    case 'topic':
      return image.topics.get(key.name) ?? null;
    case 'partition':
      return image.partitions.get(key.topicId)?.get(key.partition) ?? null;
    case 'deletion':
      return image.deletions.get(key.topicId) ?? null;
    case 'config':
      return image.configs.get(`${key.resourceType}/${key.name}`) ?? null;
    default:
      return undefined;
  }
}

function sizeOf(image: ClusterImage): number {
  const single = [image.generation, image.controller, image.producerIds].filter((value) => value !== null).length;
  const { brokers, topics, deletions, configs, partitions } = image;
  let count = single + brokers.size + topics.size + deletions.size + configs.size;
  for (const one of partitions.values()) count += one.size;
  return count;
}
