import type { AdminClient, NewTopic } from './admin-client';
import { alterConfig, deleteRecords, electLeaders, reassign } from './later-apis';

/** One thing that an administrator does. */
export type AdminTask =
  | { readonly kind: 'create'; readonly topic: NewTopic }
  | { readonly kind: 'delete'; readonly topic: string }
  | { readonly kind: 'grow'; readonly topic: string; readonly count: number }
  | {
      readonly kind: 'reassign';
      readonly topic: string;
      readonly partition: number;
      readonly replicas: readonly number[];
    }
  | { readonly kind: 'alter-config'; readonly topic: string; readonly name: string; readonly value: string }
  | { readonly kind: 'elect'; readonly topic: string; readonly partition: number; readonly unclean: boolean }
  | {
      readonly kind: 'delete-records';
      readonly topic: string;
      readonly partition: number;
      /** How much of the log goes, in tenths. */
      readonly tenths: number;
    };

/** Resolves with the error's name, NONE when it was done; null when this cluster doesn't serve what it takes. */
export async function carryOut(task: AdminTask, admin: AdminClient): Promise<string | null> {
  switch (task.kind) {
    case 'create':
      return admin.createTopic(task.topic);
    case 'delete':
      return admin.deleteTopic(task.topic);
    case 'grow':
      return admin.grow(task.topic, task.count);
    case 'reassign':
      return reassign(admin, task.topic, task.partition, task.replicas);
    case 'alter-config':
      return alterConfig(admin, task.topic, task.name, task.value);
    case 'elect':
      return electLeaders(admin, task.topic, task.partition, task.unclean);
    case 'delete-records':
      return deleteRecords(admin, task.topic, task.partition, task.tenths);
  }
}

/** For people. */
export function describeTask(task: AdminTask): string {
  switch (task.kind) {
    case 'create': {
      const { name, partitions, replicationFactor, configs } = task.topic;
      const settings = Object.entries(configs).map(([key, value]) => `${key}=${value}`);
      return `create ${name}: ${partitions} partitions, ${replicationFactor} replicas ${settings.join(' ')}`.trimEnd();
    }
    case 'delete':
      return `delete ${task.topic}`;
    case 'grow':
      return `grow ${task.topic} to ${task.count} partitions`;
    case 'reassign':
      return `reassign ${task.topic}-${task.partition} to ${task.replicas.join(', ')}`;
    case 'alter-config':
      return `set ${task.name}=${task.value} on ${task.topic}`;
    case 'elect':
      return `elect the ${task.unclean ? 'unclean' : 'preferred'} leader of ${task.topic}-${task.partition}`;
    case 'delete-records':
      return `delete ${task.tenths} tenths of ${task.topic}-${task.partition}`;
  }
}
