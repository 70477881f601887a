import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** Keeps a member in its group, and tells it of rebalances. */
export const heartbeat = defineHandler(apis.Heartbeat, {
  handle: (request, services) => toGroups('Heartbeat', request, services),

  failure: (_request, error) => ({ errorCode: error.errorCode }),
});
