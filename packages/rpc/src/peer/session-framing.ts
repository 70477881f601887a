import type { SessionReply, SessionRequest } from '@ottla/runtime';
import type * as wire from '../generated/peer';
import type { Framing } from '../stream/message-stream';
import { packFarewell, unpackFarewell } from './replication-framing';

const MESSAGE_BYTES = 64;

/** What a broker sends the controller and what it receives. */
export const brokerFraming: Framing<SessionRequest, SessionReply, wire.SessionRequests, wire.SessionReplies> = {
  sizeOf: () => MESSAGE_BYTES,
  pack: (messages) => ({ messages: messages.map((heartbeat) => ({ heartbeat })) }),
  packFarewell: (error) => ({ messages: [], farewell: packFarewell(error) }),
  unpack: ({ messages }) => messages.map(unpackReply).filter((message) => message !== null),
  // The controller's call status says why it closes.
  unpackFarewell: () => undefined,
  expectsFarewell: false,
};

/** What the controller sends a broker and what it receives. */
export const controllerFraming: Framing<SessionReply, SessionRequest, wire.SessionReplies, wire.SessionRequests> = {
  sizeOf: () => MESSAGE_BYTES,
  pack: (messages) => ({ messages: messages.map(packReply) }),
  packFarewell: () => null,
  unpack: ({ messages }) => messages.map(unpackRequest).filter((message) => message !== null),
  unpackFarewell: ({ farewell }) => unpackFarewell(farewell),
  expectsFarewell: true,
};

function packReply(reply: SessionReply): wire.SessionReply {
  return reply.type === 'heartbeat-ack' ? { heartbeatAck: reply } : { notController: {} };
}

/** Null for a kind of message that this release doesn't know. */
function unpackRequest({ heartbeat }: wire.SessionRequest): SessionRequest | null {
  if (!heartbeat) return null;
  const { broker, run, sequence, imageRevision } = heartbeat;
  return { type: 'heartbeat', broker, run, sequence, imageRevision };
}

/** Null for a kind of message that this release doesn't know. */
function unpackReply({ heartbeatAck, notController }: wire.SessionReply): SessionReply | null {
  if (heartbeatAck) {
    const { sequence, controllerEpoch } = heartbeatAck;
    return { type: 'heartbeat-ack', sequence, controllerEpoch };
  }
  return notController ? { type: 'not-controller' } : null;
}
