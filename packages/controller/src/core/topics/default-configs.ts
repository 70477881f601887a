import { ALL_BROKERS, type ClusterImage, type ClusterKeys, type Compare } from '@ottla/metadata';
import type { TopicDefaults } from '../settings';
import { absentGuard } from '../txn/guards';

const NAME = `brokers/${ALL_BROKERS}`;

/**
 * What topics without configs of their own get: what is set for all brokers while they run goes before what this one was
 * started with. By the image alone, so that every controller decides alike.
 */
export function topicDefaults(image: ClusterImage, started: TopicDefaults): TopicDefaults {
  const configs = image.configs.get(NAME)?.value.configs;
  if (configs === undefined) return started;
  return {
    ...started,
    minInsyncReplicas: minInsyncReplicas(configs, started),
    uncleanLeaderElection: uncleanLeaderElection(configs, started),
  };
}

/** The defaults are still those of this image. */
export function topicDefaultsGuard(keys: ClusterKeys, image: ClusterImage): Compare {
  const stored = image.configs.get(NAME);
  const key = keys.config('brokers', ALL_BROKERS);
  return stored === undefined ? absentGuard(key) : { key, target: 'mod', equals: stored.modRevision };
}

export function minInsyncReplicas(configs: Readonly<Record<string, string>>, defaults: TopicDefaults): number {
  const configured = Number(configs['min.insync.replicas'] ?? Number.NaN);
  return Number.isInteger(configured) && configured >= 1 ? configured : defaults.minInsyncReplicas;
}

export function uncleanLeaderElection(configs: Readonly<Record<string, string>>, defaults: TopicDefaults): boolean {
  const configured = configs['unclean.leader.election.enable']?.trim().toLowerCase();
  return configured === undefined ? defaults.uncleanLeaderElection : configured === 'true';
}
