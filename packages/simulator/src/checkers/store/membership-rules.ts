import type { BrokerRegistration, ControllerClaim } from '@ottla/metadata';
import type { Stored } from './store-view';

/** What is wrong, and the invariant that it breaks. */
export interface Finding {
  readonly invariant: string;
  readonly message: string;
}

/** A claim is only ever created, in an epoch above all before it. */
export function checkClaim(
  before: Stored<ControllerClaim> | null,
  after: Stored<ControllerClaim> | null,
  highestEpoch: number,
): Finding[] {
  if (after === null) return [];
  const { broker, run, epoch } = after.value;
  const findings: Finding[] = [];
  if (before !== null) {
    const message = `broker ${broker} (run ${run}) put its claim over the live one of broker ${before.value.broker} (run ${before.value.run})`;
    findings.push({ invariant: '1 one controller', message });
  }
  if (epoch <= highestEpoch) {
    const message = `broker ${broker} claims controller epoch ${epoch}, and there was ${highestEpoch}`;
    findings.push({ invariant: '7 controller epoch', message });
  }
  return findings;
}

/**
 * A registration is created; it is rewritten only by its own run, under its own lease; and it is deleted by itself, by a
 * successor under its broker id, by its lease, by the controller, or, the controller's own, by whoever deposes it.
 */
export function checkRegistration(
  broker: number,
  before: Stored<BrokerRegistration> | null,
  after: Stored<BrokerRegistration> | null,
  writer: number | null,
  claims: { readonly before: Stored<ControllerClaim> | null; readonly after: Stored<ControllerClaim> | null },
): Finding[] {
  if (before === null) return [];
  const invariant = '1 one leader';
  const former = `broker ${broker}'s registration (run ${before.value.run}, lease ${before.kv.lease})`;
  if (after === null) {
    const controller = claims.before?.value.broker;
    const deposed = broker === controller && claims.after === null;
    const mayDelete = writer === null || writer === broker || writer === controller || deposed;
    return mayDelete ? [] : [{ invariant, message: `${former} was deleted by broker ${writer}, not the controller` }];
  }
  const sameHolder = after.value.run === before.value.run && after.kv.lease === before.kv.lease;
  if (sameHolder) return [];
  return [{ invariant, message: `${former} was put over, by run ${after.value.run} with lease ${after.kv.lease}` }];
}
