import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import type * as wire from '../generated/peer';
import type { Framing } from '../stream/message-stream';
import { knownName } from '../stream/status';

/** More than the fields of any message beside its records take. */
const FIELDS_BYTES = 96;

/** What a follower sends and what it receives. */
export const followerFraming: Framing<FollowerMessage, LeaderMessage, wire.FollowerMessages, wire.LeaderMessages> = {
  sizeOf: () => FIELDS_BYTES,
  pack: (messages) => ({ messages: messages.map(packFollowerMessage) }),
  packFarewell: (error) => ({ messages: [], farewell: packFarewell(error) }),
  unpack: ({ messages }) => messages.map(unpackLeaderMessage).filter((message) => message !== null),
  // The leader's call status says why it closes.
  unpackFarewell: () => undefined,
  expectsFarewell: false,
};

/** What a leader sends and what it receives. */
export const leaderFraming: Framing<LeaderMessage, FollowerMessage, wire.LeaderMessages, wire.FollowerMessages> = {
  sizeOf: (message) => FIELDS_BYTES + (message.type === 'push' ? message.records.length : 0),
  pack: (messages) => ({ messages: messages.map(packLeaderMessage) }),
  packFarewell: () => null,
  unpack: ({ messages }) => messages.map(unpackFollowerMessage).filter((message) => message !== null),
  unpackFarewell: ({ farewell }) => unpackFarewell(farewell),
  expectsFarewell: true,
};

export function packFarewell(error: OttlaError | null): wire.Farewell {
  return error === null ? { error: '', message: '' } : { error: error.code, message: error.message };
}

/** Undefined when there is none. */
export function unpackFarewell(farewell: wire.Farewell | null | undefined): OttlaError | null | undefined {
  if (!farewell) return undefined;
  return farewell.error === '' ? null : new OttlaError(knownName(farewell.error), farewell.message);
}

function packFollowerMessage(message: FollowerMessage): wire.FollowerMessage {
  switch (message.type) {
    case 'subscribe':
      return { subscribe: message };
    case 'report':
      return { report: message };
    case 'unsubscribe':
      return { unsubscribe: message };
  }
}

function packLeaderMessage(message: LeaderMessage): wire.LeaderMessage {
  switch (message.type) {
    case 'push':
      return { push: message };
    case 'diverged':
      return { diverged: message };
    case 'start-anew':
      return { startAnew: message };
    case 'refused':
      return { refused: message };
  }
}

/** Null for a kind of message that this release doesn't know. */
function unpackFollowerMessage({ subscribe, report, unsubscribe }: wire.FollowerMessage): FollowerMessage | null {
  if (report) {
    const { endOffset, logStart, grantedBytes } = report;
    return { type: 'report', ...target(report), endOffset, logStart, grantedBytes };
  }
  if (subscribe) {
    const { logId, endOffset, lastEpoch, logStart, windowBytes } = subscribe;
    return { type: 'subscribe', ...target(subscribe), logId, endOffset, lastEpoch, logStart, windowBytes };
  }
  return unsubscribe ? { type: 'unsubscribe', ...target(unsubscribe) } : null;
}

/** Null for a kind of message that this release doesn't know. Records are a view of the bytes received. */
function unpackLeaderMessage({ push, diverged, startAnew, refused }: wire.LeaderMessage): LeaderMessage | null {
  if (push) {
    const { highWatermark, logStart, baseOffset, records } = push;
    return { type: 'push', ...target(push), highWatermark, logStart, baseOffset, records };
  }
  if (diverged) {
    return { type: 'diverged', ...target(diverged), epoch: diverged.epoch, endOffset: diverged.endOffset };
  }
  if (startAnew) {
    return { type: 'start-anew', ...target(startAnew), firstBatchOffset: startAnew.firstBatchOffset };
  }
  if (!refused) return null;
  const { error, currentEpoch } = refused;
  return { type: 'refused', ...target(refused), error: knownName(error), currentEpoch };
}

function target({ topicId, partition, leaderEpoch, subscription }: wire.Unsubscribe): wire.Unsubscribe {
  return { topicId, partition, leaderEpoch, subscription };
}
