import type { GroupEvent } from '@ottla/groups';
import type { Logger } from '@ottla/runtime';

/** Writes what happens in groups to the log: who, why, how long. */
export function logGroupEvent(event: GroupEvent, partition: string, logger: Logger): void {
  switch (event.kind) {
    case 'loaded': {
      const sentence = `${partition}: coordinator serves ${event.groups} groups and ${event.offsets} committed offsets`;
      if (event.groups + event.offsets > 0) logger.info(sentence);
      else logger.debug(sentence);
      return;
    }
    case 'records-skipped':
      logger.warn(`${partition}: ${event.records} records were skipped while loading: ${event.reason}`);
      return;
    case 'member-joined':
      logger.info(
        `group ${event.group}: ${memberOf(event)} of client ${event.clientId} at ${event.clientHost} joins: ${event.reason}`,
      );
      return;
    case 'member-departed': {
      const words = event.reason === null ? '' : ` (${event.reason})`;
      logger.info(`group ${event.group}: ${memberOf(event)} is out: ${event.cause}${words}`);
      return;
    }
    case 'rebalance-started':
      logger.info(
        `group ${event.group}: rebalance of ${event.members} members begins, ending generation ${event.generation}: ${event.cause}`,
      );
      return;
    case 'rebalance-completed':
      logger.info(
        `group ${event.group}: generation ${event.generation} has ${event.members} members after ${event.durationMs} ms of rebalancing: ${event.cause}`,
        { leader: event.leader, protocol: event.protocol },
      );
      return;
    case 'group-removed':
      logger.info(`group ${event.group}: removed, ${event.cause}`);
      return;
    case 'offsets-expired':
      logger.info(`group ${event.group}: ${event.offsets} committed offsets expired (offsets.retention.minutes)`);
      return;
    case 'write-failed': {
      const who = event.group === null ? partition : `group ${event.group}`;
      logger.warn(`${who}: writing ${event.what} failed with ${event.error}`);
    }
  }
}

function memberOf({ member, instance }: { member: string; instance: string | null }): string {
  return instance === null ? `member ${member}` : `member ${member} (group.instance.id ${instance})`;
}
