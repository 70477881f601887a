import type { ErrorName } from '@ottla/protocol';

/** What a client is told when the write that its request caused failed: an error that makes it do the right thing. */
const ANSWERS: Partial<Record<ErrorName, ErrorName>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'COORDINATOR_NOT_AVAILABLE',
  REQUEST_TIMED_OUT: 'COORDINATOR_NOT_AVAILABLE',
  NOT_LEADER_OR_FOLLOWER: 'NOT_COORDINATOR',
  FENCED_LEADER_EPOCH: 'NOT_COORDINATOR',
  UNKNOWN_LEADER_EPOCH: 'NOT_COORDINATOR',
  KAFKA_STORAGE_ERROR: 'NOT_COORDINATOR',
  NETWORK_EXCEPTION: 'COORDINATOR_LOAD_IN_PROGRESS',
  MESSAGE_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  RECORD_LIST_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  INVALID_FETCH_SIZE: 'UNKNOWN_SERVER_ERROR',
};

export function answerToWriteError(error: ErrorName): ErrorName {
  return ANSWERS[error] ?? error;
}

/** Too large a commit is the client's doing, and retrying it is pointless. */
export function answerToCommitWriteError(error: ErrorName): ErrorName {
  const tooLarge = error === 'MESSAGE_TOO_LARGE' || error === 'RECORD_LIST_TOO_LARGE' || error === 'INVALID_FETCH_SIZE';
  return tooLarge ? 'INVALID_COMMIT_OFFSET_SIZE' : answerToWriteError(error);
}
