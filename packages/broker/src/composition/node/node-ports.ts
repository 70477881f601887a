import { networkInterfaces } from 'node:os';
import { createGrpcServer, nodePeerNetwork, serveDoor } from '@ottla/rpc';
import { type Logger, nodeBootId, nodeClock, nodeCodecs, nodeDisk, nodeRandom, nodeTcp } from '@ottla/runtime';
import type { BrokerPorts, GrpcDoor } from '../ports';
import { startAdminServer } from './admin-server';
import { openNodeStore } from './node-store';

/** A broker in a process of its own, on this machine. */
export const nodePorts: BrokerPorts = {
  clock: nodeClock,
  random: nodeRandom,
  disk: nodeDisk,
  codecs: nodeCodecs,
  tcp: nodeTcp,
  bootId: nodeBootId,
  machineHost: firstAddress,
  openStore: openNodeStore,
  openPeers: (logger) => nodePeerNetwork({ clock: nodeClock, logger }),
  openGrpcDoor,
  openAdminServer: startAdminServer,
};

function openGrpcDoor(logger: Logger): GrpcDoor {
  const server = createGrpcServer({ clock: nodeClock, logger });
  return {
    serve: (handlers) => serveDoor(server, handlers, { clock: nodeClock }),
    listen: (address) => server.listen(address),
    takeConnection: (connection) => server.takeConnection(connection),
    setHealth: (service, state) => server.setHealth(service, state),
    close: (graceMs) => server.close(graceMs),
  };
}

/** The machine's first address that isn't a loopback, IPv4 before IPv6; the loopback where there is no other. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outward = all.filter((address) => !address.internal);
  const found = outward.find((address) => address.family === 'IPv4') ?? outward[0];
  return found?.address ?? '127.0.0.1';
}
