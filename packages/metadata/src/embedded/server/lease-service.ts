import type { Random } from '@ottla/runtime';
import { MachineError } from '../../machine/machine-error';
import { opened, type ServedStore } from './served-store';
import type { Received } from './service-definitions';

const GENERATE_ID = '0';
const TTL_GONE = -1;

interface LeaseIdMessage {
  readonly ID: string;
}

/** etcdserverpb.Lease; TTLs on the wire are whole seconds. */
export function leaseService(served: ServedStore, random: Random) {
  return {
    LeaseGrant: (received: Received<LeaseIdMessage & { readonly TTL: string }>) => {
      const { ID, TTL } = opened(received);
      const id = ID === GENERATE_ID ? drawLeaseId(random) : ID;
      const seconds = Math.max(1, Number(TTL));
      return served.answer((machine, now) => ({
        result: { ID: id, TTL: seconds },
        records: [machine.grant(id, seconds * 1000, now)],
      }));
    },
    LeaseRevoke: (received: Received<LeaseIdMessage>) => {
      const { ID } = opened(received);
      return served.answer((machine) => ({ result: {}, records: machine.revoke(ID) }));
    },
    /** One message of the keep-alive stream; a lease that's gone has TTL 0. */
    LeaseKeepAlive: (received: Received<LeaseIdMessage>) => {
      const { ID } = opened(received);
      return served.answer((machine, now) => ({
        result: { ID, TTL: unlessGone(0, () => Math.ceil(machine.keepAlive(ID, now) / 1000)) },
      }));
    },
    LeaseTimeToLive: (received: Received<LeaseIdMessage & { readonly keys: boolean }>) => {
      const { ID, keys } = opened(received);
      return served.answer((machine, now) => ({
        result: unlessGone<object>({ ID, TTL: TTL_GONE }, () => {
          const lease = machine.lease(ID);
          return {
            ID,
            TTL: Math.max(0, Math.floor((lease.expiresAt - now) / 1000)),
            grantedTTL: lease.ttlMs / 1000,
            keys: keys ? [...lease.keys].sort().map((key) => Buffer.from(key, 'latin1')) : [],
          };
        }),
      }));
    },
    LeaseLeases: () =>
      served.answer((machine) => ({ result: { leases: [...machine.leases()].map(({ id }) => ({ ID: id })) } })),
  };
}

/** Drawn, never counted: after the directory was wiped, a holder's old id must not be another's new one. */
function drawLeaseId(random: Random): string {
  const bits = Buffer.from(random.bytes(8)).readBigUInt64BE();
  return String(BigInt.asUintN(62, bits) + 1n);
}

function unlessGone<T>(gone: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MachineError && error.kind === 'lease-not-found') return gone;
    throw error;
  }
}
