import type { PartitionRecord, ReplicaId } from '../../src/index';
import type { Broker, Cluster } from './cluster';

/** A controller that elects and fences as its rules allow; whom and when, `pick` decides. */
export class Controller {
  constructor(private readonly cluster: Cluster) {}

  /** Elects someone from the ISR, else from the ELR; nobody when none of them is there. */
  elect(pick: number, dropsDead: boolean): void {
    const { cluster } = this;
    const { record } = cluster;
    const leaderEpoch = record.leaderEpoch + 1;
    const fromIsr = record.isr.map((member) => this.present(member)).filter((broker) => broker !== null);
    const elected = fromIsr[pick % Math.max(1, fromIsr.length)];
    if (elected !== undefined) {
      const isr = dropsDead ? fromIsr.map(({ identity }) => identity) : record.isr;
      cluster.write({ ...withIsr(cluster, record, isr), ...ledBy(elected), leaderEpoch });
      return;
    }
    const fromElr = record.elr.map((member) => this.present(member)).filter((broker) => broker !== null);
    const eligible = fromElr[pick % Math.max(1, fromElr.length)];
    // While a member of the ISR may come back with more than the ELR has, it alone could lead: it becomes eligible first.
    if (eligible !== undefined && record.isr.length === 0) {
      cluster.write({ ...withIsr(cluster, record, [eligible.identity]), ...ledBy(eligible), leaderEpoch });
    } else if (record.leader !== null || record.isr.length > 0) {
      cluster.write({ ...withIsr(cluster, record, []), leader: null, leaderEpoch });
    }
  }

  /** Drops members that aren't there; the leader stays. */
  fence(): void {
    const { record } = this.cluster;
    const stays = record.isr.filter(
      (member) => member.broker === record.leader?.broker || this.present(member) !== null,
    );
    if (stays.length < record.isr.length) this.cluster.write(withIsr(this.cluster, record, stays));
  }

  /** Another minimum empties the ELR: it was safe only under the former. Elections and fencings that are due come first. */
  changeMinimum(minIsr: number): void {
    if (this.needsElection() || this.cluster.record.isr.some((member) => this.present(member) === null)) return;
    this.cluster.write({ ...this.cluster.record, minIsr, elr: [] });
  }

  needsElection(): boolean {
    const { leader } = this.cluster.record;
    if (leader === null) return true;
    return !this.cluster.alive().some(({ id, run }) => id === leader.broker && run === leader.run);
  }

  private present({ broker, logId }: ReplicaId): Broker | null {
    return this.cluster.alive().find(({ id, log }) => id === broker && log.logId === logId) ?? null;
  }
}

function ledBy({ id, run }: Broker): Pick<PartitionRecord, 'leader'> {
  return { leader: { broker: id, run } };
}

/** Below the minimum, whoever leaves stays eligible, unless its log was replaced. */
function withIsr(cluster: Cluster, record: PartitionRecord, isr: ReplicaId[]): PartitionRecord {
  if (isr.length >= record.minIsr) return { ...record, isr, elr: [] };
  const elr = [...record.elr, ...record.isr].filter(
    ({ broker, logId }, index, all) =>
      !isr.some((member) => member.broker === broker) &&
      cluster.broker(broker).log.logId === logId &&
      all.findIndex((other) => other.broker === broker) === index,
  );
  return { ...record, isr, elr };
}
