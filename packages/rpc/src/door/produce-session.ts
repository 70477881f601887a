import { OttlaError, toOttlaError } from '@ottla/protocol';
import type * as door from '../generated/door';
import type { MessageStream } from '../stream/message-stream';
import type { DoorCall, DoorHandlers } from './handlers';

/** What a produce stream may have unanswered before the door stops reading from it. */
export const MAX_UNANSWERED_BYTES = 32 * 1024 * 1024;
const ENTRY_BYTES = 256;

/** Answers the entries of one produce stream; gives what ends it once all are answered. */
export function answerProduces(
  stream: MessageStream<door.ProduceResult, door.ProduceEntry>,
  handlers: Pick<DoorHandlers, 'produce' | 'currentLeader'>,
  call: DoorCall,
  maxUnansweredBytes = MAX_UNANSWERED_BYTES,
): () => void {
  let unanswered = 0;
  let ending = false;
  const endWhenAnswered = (): void => {
    if (ending && unanswered === 0) stream.close();
  };
  const release = (bytes: number): void => {
    const wasFull = unanswered > maxUnansweredBytes;
    unanswered -= bytes;
    if (wasFull && unanswered <= maxUnansweredBytes && !ending) stream.resume();
  };
  stream.onMessage((entry) => {
    const bytes = entry.records.length + ENTRY_BYTES;
    unanswered += bytes;
    if (unanswered > maxUnansweredBytes) stream.pause();
    answer(entry, handlers, call).then((result) => {
      if (result !== null) stream.send(result);
      release(bytes);
      endWhenAnswered();
    });
  });
  stream.onEnd(() => {
    ending = true;
    endWhenAnswered();
  });
  return () => {
    stream.pause();
    ending = true;
    endWhenAnswered();
  };
}

/** Null when there is nothing to say: acks=0, and all is well. */
async function answer(
  entry: door.ProduceEntry,
  handlers: Pick<DoorHandlers, 'produce' | 'currentLeader'>,
  call: DoorCall,
): Promise<door.ProduceResult | null> {
  try {
    checkEntry(entry);
    const { baseOffset, logStartOffset, logAppendTime = -1 } = await handlers.produce(entry, call);
    if (entry.acks === 0) return null;
    return { id: entry.id, errorCode: 0, errorMessage: '', baseOffset, logAppendTime, logStartOffset };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    const currentLeader =
      error.code === 'NOT_LEADER_OR_FOLLOWER' ? handlers.currentLeader(entry.topic, entry.partition) : null;
    return {
      id: entry.id,
      errorCode: error.errorCode,
      errorMessage: error.message,
      baseOffset: -1,
      logAppendTime: -1,
      logStartOffset: -1,
      currentLeader,
    };
  }
}

function checkEntry({ topic, partition, acks, records }: door.ProduceEntry): void {
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    throw new OttlaError('INVALID_REQUIRED_ACKS', `acks is ${acks} for ${topic}-${partition}; it is 0, 1 or -1 (all)`);
  }
  if (records.length === 0) throw new OttlaError('INVALID_RECORD', `no records were sent for ${topic}-${partition}`);
}
