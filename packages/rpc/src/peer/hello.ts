import type { Metadata } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import type { PeerHello } from '@ottla/runtime';
import { grpc } from '../stream/grpc';

/** Version of the messages between brokers. A broker refuses any other than its own. */
const PEER_VERSION = 1;

const HEADER = {
  version: 'ottla-peer-version',
  clusterId: 'ottla-cluster-id',
  broker: 'ottla-broker-id',
  run: 'ottla-run',
} as const;

export function helloMetadata(hello: PeerHello): Metadata {
  const metadata = new (grpc().Metadata)();
  metadata.set(HEADER.version, String(PEER_VERSION));
  metadata.set(HEADER.clusterId, hello.clusterId);
  metadata.set(HEADER.broker, String(hello.broker));
  metadata.set(HEADER.run, hello.run);
  return metadata;
}

/** Who opened a stream. Throws what the stream is refused with. */
export function readHello(metadata: Metadata, self: PeerHello): PeerHello {
  const [version, clusterId, broker, run] = Object.values(HEADER).map((name) => metadata.get(name)[0]?.toString());
  if (version === undefined || clusterId === undefined || run === undefined || !/^\d+$/.test(broker ?? '')) {
    throw new OttlaError('INVALID_REQUEST', 'only brokers of this cluster open streams here: clients use ottla.v1');
  }
  if (Number(version) !== PEER_VERSION) {
    const message = `broker ${broker} speaks version ${version} between brokers, broker ${self.broker} version ${PEER_VERSION}`;
    throw new OttlaError('UNSUPPORTED_VERSION', `${message}: run releases that share a version`);
  }
  if (clusterId !== self.clusterId) {
    const message = `broker ${broker} belongs to cluster ${clusterId}, broker ${self.broker} to cluster ${self.clusterId}`;
    throw new OttlaError('INCONSISTENT_CLUSTER_ID', `${message}: correct the address that it was given`);
  }
  return { clusterId, broker: Number(broker), run };
}
