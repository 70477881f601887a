import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import type { ActorContext } from '../actor';
import type { CoordinatorLink } from './coordinator-link';

const VERSION = 7;
const TIMEOUT_MS = 700;

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 for none. */
  readonly offset: number;
}

/** Asks for a group's committed offsets, and remembers what the coordinator said. */
export async function committedOffsets(
  { recorder, name: client }: ActorContext,
  link: CoordinatorLink,
  group: string,
  wanted: ReadonlyMap<string, readonly number[]>,
): Promise<CommittedOffset[]> {
  const sent = recorder.mark;
  const topics = [...wanted].map(([name, partitionIndexes]) => ({ name, partitionIndexes: [...partitionIndexes] }));
  const body = { groupId: group, topics, groups: [], requireStable: false };
  const answer = await link.ask(apis.OffsetFetch, VERSION, body, TIMEOUT_MS);
  if (answer.errorCode !== ErrorCode.NONE) throw refused(link, answer.errorCode);
  const broker = link.asked;
  const committed: CommittedOffset[] = [];
  for (const { name: topic, partitions } of answer.topics) {
    for (const { partitionIndex: partition, committedOffset: offset, metadata, errorCode } of partitions) {
      if (errorCode !== ErrorCode.NONE) throw refused(link, errorCode);
      const commit = metadata ?? '';
      recorder.record({ type: 'committed-told', client, sent, broker, group, topic, partition, offset, commit });
      committed.push({ topic, partition, offset });
    }
  }
  return committed;
}

function refused(link: CoordinatorLink, code: number): OttlaError {
  link.note(errorName(code));
  return new OttlaError(errorName(code), 'the committed offsets were not told');
}
