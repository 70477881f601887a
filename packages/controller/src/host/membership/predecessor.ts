import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type ClusterKeys,
  type Compare,
  controllerClaimCodec,
  type KeyValue,
  type Op,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { Clock, Logger, PeerNetwork } from '@ottla/runtime';
import type { MembershipTimings } from '../../core/settings';
import type { ClusterView, Self } from '../cluster-view';

export interface PredecessorOptions {
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: ClusterView;
  readonly network: Pick<PeerNetwork, 'probe'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
}

/** The store may hold a lease that long beyond its TTL. */
const LEASE_MARGIN_MS = 2_000;
const POLL_MS = 200;

/**
 * Removes what an earlier process under this broker id left in the store. It is dead when nobody listens at its address:
 * call this before this process listens there. When somebody does (or nothing answers), only its lease can tell: a dead
 * process's registration vanishes within the TTL.
 *
 * @throws OttlaError DUPLICATE_BROKER_REGISTRATION when the registration outlives its lease: the process is alive.
 */
export async function evictPredecessor(options: PredecessorOptions): Promise<void> {
  const { clock, timings, logger, self } = options;
  const deadline = clock.now() + timings.leaseTtlMs + LEASE_MARGIN_MS;
  let waiting = false;
  for (;;) {
    const kv = await readKey(options, options.keys.broker(self.broker));
    if (kv === null) break;
    const registration = brokerRegistrationCodec.decode(kv.value, kv.key);
    const answer = await options.network.probe(registration.peer, timings.probeTimeoutMs);
    if (answer === 'refused') {
      if (await evict(options, registration, kv)) break;
      continue;
    }
    if (clock.now() >= deadline) throw alreadyRunning(registration);
    if (!waiting) {
      logger.info(`broker ${self.broker} is registered at ${at(registration)}; waiting for that registration to end`, {
        run: registration.run,
        probe: answer,
      });
    }
    waiting = true;
    await clock.sleep(POLL_MS);
  }
  await evictClaim(options);
}

/** In a transaction of its own, guarded by the registration as it was read. */
async function evict(options: PredecessorOptions, registration: BrokerRegistration, kv: KeyValue): Promise<boolean> {
  const { succeeded } = await options.view.store.txn({
    compare: [{ key: kv.key, target: 'mod', equals: kv.modRevision }],
    success: [{ type: 'delete', key: kv.key }],
  });
  if (succeeded) {
    options.logger.info(`removed the registration that broker ${registration.broker}'s last process left`, {
      run: registration.run,
      address: at(registration),
    });
  }
  return succeeded;
}

/** A claim that names this broker in another run: its process is gone, for its registration is. */
async function evictClaim(options: PredecessorOptions): Promise<void> {
  const { keys, self, view } = options;
  const kv = await readKey(options, keys.controller());
  if (kv === null) return;
  const claim = controllerClaimCodec.decode(kv.value, kv.key);
  if (claim.broker !== self.broker || claim.run === self.run) return;
  const compare: Compare[] = [
    { key: kv.key, target: 'create', equals: kv.createRevision },
    { key: keys.broker(self.broker), target: 'create', equals: 0 },
  ];
  const success: Op[] = [{ type: 'delete', key: kv.key }];
  await view.store.txn({ compare, success });
}

async function readKey(options: PredecessorOptions, key: string): Promise<KeyValue | null> {
  return (await options.view.store.get(key)).kv;
}

function at(registration: BrokerRegistration): string {
  return `${registration.peer.host}:${registration.peer.port}`;
}

function alreadyRunning(registration: BrokerRegistration): OttlaError {
  return new OttlaError(
    'DUPLICATE_BROKER_REGISTRATION',
    `broker id ${registration.broker} is already running at ${at(registration)} (run ${registration.run}); ` +
      'stop that process, or give this one another node.id',
  );
}
