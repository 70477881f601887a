import type { BrokerRegistration, ClusterImage } from '@ottla/metadata';
import type { BrokerServices } from '../services';

const remembered = new WeakMap<BrokerServices['self'], Map<number, BrokerRegistration>>();

/**
 * The registered brokers, and those that were registered and are still named as leaders in the same run. After a stall of
 * the metadata store all leases may be gone for a moment, while every broker goes on serving: clients shall not be told
 * that the cluster is empty. A broker that died is replaced as leader, and with that forgotten.
 */
export function knownBrokers(services: BrokerServices, image: ClusterImage): ReadonlyMap<number, BrokerRegistration> {
  const memory = remembered.get(services.self) ?? new Map<number, BrokerRegistration>();
  remembered.set(services.self, memory);
  const known = new Map<number, BrokerRegistration>();
  for (const [broker, { value }] of image.brokers) {
    memory.set(broker, value);
    known.set(broker, value);
  }
  if (memory.size > known.size) addLeaders(known, memory, image);
  return known;
}

function addLeaders(
  known: Map<number, BrokerRegistration>,
  memory: Map<number, BrokerRegistration>,
  image: ClusterImage,
): void {
  for (const partitions of image.partitions.values()) {
    for (const { value } of partitions.values()) {
      if (value.leader === null || known.has(value.leader.broker)) continue;
      const registration = memory.get(value.leader.broker);
      if (registration?.run === value.leader.run) known.set(value.leader.broker, registration);
    }
  }
  for (const broker of memory.keys()) if (!known.has(broker)) memory.delete(broker);
}
