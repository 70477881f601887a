import type { BrokerRegistration, ClusterImage } from '@ottla/metadata';
import type { BrokerServices } from '../services';

/**
 * For how long a broker that left the cluster stays in clients' lists of brokers. Clients that drop a broker the moment
 * they learn that another leads have nobody to move its partitions from: librdkafka then stands still until it looks again,
 * a second later.
 */
const DEPARTED_LISTED_MS = 10_000;

interface Remembered {
  readonly registration: BrokerRegistration;
  /** When it was first seen not to be registered any more; null while it is. */
  departedAt: number | null;
}

type Services = Pick<BrokerServices, 'image' | 'onImageChange' | 'clock'>;

const memories = new WeakMap<Services, BrokerMemory>();

/** Begins to remember which brokers there are: to be called before the first of them can leave. */
export function rememberBrokers(services: Services): void {
  memoryOf(services);
}

/**
 * The registered brokers, and those that were registered and are still named as leaders in the same run. After a stall of
 * the metadata store all leases may be gone for a moment, while every broker goes on serving: clients shall not be told
 * that the cluster is empty. A broker that died is replaced as leader, and with that forgotten.
 */
export function knownBrokers(services: Services, image: ClusterImage): ReadonlyMap<number, BrokerRegistration> {
  return memoryOf(services).known(image);
}

/** The known brokers, and those that left a few seconds ago. */
export function listedBrokers(services: Services, image: ClusterImage): ReadonlyMap<number, BrokerRegistration> {
  const memory = memoryOf(services);
  const listed = new Map(memory.known(image));
  for (const [broker, registration] of memory.departed()) if (!listed.has(broker)) listed.set(broker, registration);
  return listed;
}

function memoryOf(services: Services): BrokerMemory {
  const known = memories.get(services);
  if (known !== undefined) return known;
  const memory = new BrokerMemory(services);
  memories.set(services, memory);
  return memory;
}

class BrokerMemory {
  private readonly remembered = new Map<number, Remembered>();

  constructor(private readonly services: Services) {
    this.observe(services.image());
    services.onImageChange((image) => this.observe(image));
  }

  known(image: ClusterImage): Map<number, BrokerRegistration> {
    this.observe(image);
    const known = new Map<number, BrokerRegistration>();
    for (const [broker, { value }] of image.brokers) known.set(broker, value);
    if (this.remembered.size > known.size) this.addLeaders(known, image);
    return known;
  }

  *departed(): Iterable<[number, BrokerRegistration]> {
    for (const [broker, { registration, departedAt }] of this.remembered) {
      if (departedAt !== null && this.isRecent(departedAt)) yield [broker, registration];
    }
  }

  private observe(image: ClusterImage): void {
    for (const [broker, { value }] of image.brokers) {
      const { registration, departedAt } = this.remembered.get(broker) ?? {};
      if (registration !== value || departedAt !== null) {
        this.remembered.set(broker, { registration: value, departedAt: null });
      }
    }
    if (this.remembered.size > image.brokers.size) this.observeDepartures(image);
  }

  private observeDepartures(image: ClusterImage): void {
    const leaders = this.leadersIn(image);
    for (const [broker, remembered] of this.remembered) {
      if (image.brokers.has(broker)) continue;
      remembered.departedAt ??= this.services.clock.now();
      const isNamed = leaders.get(broker) === remembered.registration.run;
      if (!isNamed && !this.isRecent(remembered.departedAt)) this.remembered.delete(broker);
    }
  }

  private addLeaders(known: Map<number, BrokerRegistration>, image: ClusterImage): void {
    for (const [broker, run] of this.leadersIn(image)) {
      const registration = this.remembered.get(broker)?.registration;
      if (!known.has(broker) && registration?.run === run) known.set(broker, registration);
    }
  }

  /** The run in which brokers that aren't registered are named as leaders. */
  private leadersIn(image: ClusterImage): Map<number, string> {
    const leaders = new Map<number, string>();
    for (const partitions of image.partitions.values()) {
      for (const { value } of partitions.values()) {
        const { leader } = value;
        if (leader === null || image.brokers.has(leader.broker)) continue;
        if (this.remembered.get(leader.broker)?.registration.run === leader.run) leaders.set(leader.broker, leader.run);
      }
    }
    return leaders;
  }

  private isRecent(departedAt: number): boolean {
    return this.services.clock.now() - departedAt < DEPARTED_LISTED_MS;
  }
}
