import type { BrokerRegistration } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import type {
  Clock,
  Logger,
  PeerHello,
  PeerNetwork,
  PeerStream,
  Random,
  SessionReply,
  SessionRequest,
} from '@ottla/runtime';
import type { MembershipTimings, TopicDefaults } from '../core/settings';
import type { ClusterView } from './topic-admin';

/** What a broker says of itself when it registers. */
export type RegistrationDetails = Pick<BrokerRegistration, 'logIds' | 'rack' | 'kafka' | 'grpc' | 'peer' | 'startedAt'>;

export interface ClusterMemberOptions {
  readonly clusterId: string;
  readonly self: { readonly broker: number; readonly run: string };
  /** A started image tracker; it is the caller's to close, after the member. */
  readonly view: ClusterView;
  readonly network: Pick<PeerNetwork, 'openSession' | 'probe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings?: Partial<MembershipTimings>;
  readonly defaults: TopicDefaults;
  /** Another process runs under this broker id: this one must stop. Called at most once. */
  readonly onSuperseded: (error: OttlaError) => void;
}

/**
 * A broker's part in the cluster: its registration, its session to the controller, and its candidature for controller.
 * Order of use: `prepare`, bind the listeners, `start`, ..., `drain`, stop serving, `close`.
 */
export class ClusterMember {
  constructor(readonly options: ClusterMemberOptions) {}

  /**
   * Before the listeners bind: removes the registration (and controller claim) that a dead predecessor under this broker
   * id left. Takes up to the lease's TTL when the predecessor's address still answers.
   * @throws OttlaError DUPLICATE_BROKER_REGISTRATION when a live process has the broker id.
   */
  prepare(): Promise<void> {
    throw new Error('being written');
  }

  /** Registers, then takes part. Resolves when this broker is registered. */
  start(_details: RegistrationDetails): Promise<void> {
    throw new Error('being written');
  }

  /** For `PeerNetwork.serve`. */
  onSession(_hello: PeerHello, _stream: PeerStream<SessionReply, SessionRequest>): void {
    throw new Error('being written');
  }

  /** This broker is the controller, as far as it knows. */
  get isController(): boolean {
    throw new Error('being written');
  }

  /**
   * Marks this broker as draining, and waits until it leads nothing that another broker could lead, at most so long.
   * Resolves either way; true when it leads no such partition.
   */
  drain(_timeoutMs: number): Promise<boolean> {
    throw new Error('being written');
  }

  /** Leaves the cluster: gives up the claim and the registration. */
  close(): Promise<void> {
    throw new Error('being written');
  }
}
