import { peerDescriptor } from '../generated/peer-descriptor';
import { Codecs } from '../wire/codec';
import { serviceDefinition } from '../wire/service';

const codecs = new Codecs(peerDescriptor);

export const replicationService = serviceDefinition(peerDescriptor, codecs, 'ottla.peer.v1.Replication');
export const sessionService = serviceDefinition(peerDescriptor, codecs, 'ottla.peer.v1.Session');
