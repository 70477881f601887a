import type { ReportedReplica, SessionReply, SessionRequest } from '@ottla/runtime';
import type * as wire from '../generated/peer';
import type { Framing } from '../stream/message-stream';
import { packFarewell, unpackFarewell } from './replication-framing';

const MESSAGE_BYTES = 64;
const REPLICA_BYTES = 112;

/** What a broker sends the controller and what it receives. */
export const brokerFraming: Framing<SessionRequest, SessionReply, wire.SessionRequests, wire.SessionReplies> = {
  sizeOf: (message) => MESSAGE_BYTES + (message.type === 'replicas' ? message.replicas.length * REPLICA_BYTES : 0),
  pack: (messages) => ({ messages: messages.map(packRequest) }),
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

function packRequest(request: SessionRequest): wire.SessionRequest {
  return request.type === 'heartbeat'
    ? { heartbeat: request }
    : { replicas: { ...request, replicas: [...request.replicas] } };
}

function packReply(reply: SessionReply): wire.SessionReply {
  switch (reply.type) {
    case 'heartbeat-ack':
      return { heartbeatAck: reply };
    case 'report-replicas':
      return { reportReplicas: reply };
    case 'not-controller':
      return { notController: {} };
  }
}

/** Null for a kind of message that this release doesn't know. */
function unpackRequest({ heartbeat, replicas }: wire.SessionRequest): SessionRequest | null {
  if (heartbeat) {
    const { broker, run, sequence, imageRevision, exceededGeneration } = heartbeat;
    return { type: 'heartbeat', broker, run, sequence, imageRevision, exceededGeneration };
  }
  if (!replicas) return null;
  const { generation, nextProducerId, last } = replicas;
  return { type: 'replicas', generation, replicas: replicas.replicas.map(unpackReplica), nextProducerId, last };
}

function unpackReplica(replica: wire.Replica): ReportedReplica {
  const { topicId, partition, logId, highestEpoch, lastEpoch, logEnd } = replica;
  return { topicId, partition, logId, highestEpoch, lastEpoch, logEnd };
}

/** Null for a kind of message that this release doesn't know. */
function unpackReply({ heartbeatAck, notController, reportReplicas }: wire.SessionReply): SessionReply | null {
  if (heartbeatAck) {
    const { sequence, controllerEpoch } = heartbeatAck;
    return { type: 'heartbeat-ack', sequence, controllerEpoch };
  }
  if (reportReplicas) return { type: 'report-replicas', generation: reportReplicas.generation };
  return notController ? { type: 'not-controller' } : null;
}
