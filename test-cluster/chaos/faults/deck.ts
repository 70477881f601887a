import type { Draw } from '../draw';
import type { Capability, Missing } from '../machine/capabilities';
import { CUT_FAULTS } from './cuts';
import { DISK_FAULTS } from './disks';
import type { FaultKind } from './fault';
import { PROCESS_FAULTS } from './processes';
import { STORE_FAULTS } from './store';

export const FAULT_KINDS: readonly FaultKind[] = [...PROCESS_FAULTS, ...CUT_FAULTS, ...STORE_FAULTS, ...DISK_FAULTS];

/** Kinds that can be made here, and those that can't with why. @throws when a name is unknown. */
export function chooseKinds(
  names: readonly string[],
  missing: readonly Missing[],
): { readonly possible: FaultKind[]; readonly skipped: string[] } {
  const unknown = names.filter((name) => !FAULT_KINDS.some((kind) => kind.name === name));
  if (unknown.length > 0) {
    const known = FAULT_KINDS.map((kind) => kind.name).join(',');
    throw new Error(`--faults ${unknown.join(',')}: unknown; known are ${known}`);
  }
  const wanted = names.length === 0 ? FAULT_KINDS : FAULT_KINDS.filter(({ name }) => names.includes(name));
  const reasonFor = (needs: readonly Capability[]): string | undefined =>
    missing.find(({ capability }) => needs.includes(capability))?.reason;
  const possible = wanted.filter(({ needs }) => reasonFor(needs) === undefined);
  const skipped = wanted.flatMap(({ name, needs }) => {
    const reason = reasonFor(needs);
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
  if (possible.length === 0) throw new Error(`no fault can be made here: ${skipped.join('; ')}`);
  return { possible, skipped };
}

/** Deals every kind once in a drawn order, then again in another. */
export class Deck {
  private cards: FaultKind[] = [];

  constructor(
    private readonly kinds: readonly FaultKind[],
    private readonly draw: Draw,
  ) {}

  next(): FaultKind {
    if (this.cards.length === 0) this.cards = this.draw.shuffled(this.kinds);
    return this.cards.pop()!;
  }
}
