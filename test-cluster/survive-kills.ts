import type { RunningCluster } from './harness/cluster';
import { readAll } from './harness/read-back';
import { SequenceProducer } from './harness/sequence-producer';
import { waitFor } from './harness/wait';

const TOPIC = 'kills';
const ACK_DEADLINE_MS = 2_000;

/** Kills with -9, in turn, the leader, the controller and a follower under load; brings each back; reads everything. */
export async function surviveKills(cluster: RunningCluster): Promise<{ gaps: Record<string, number> }> {
  cluster.run('topics', 'create', TOPIC, '--partitions', '1', '--replication-factor', '3');
  const producer = new SequenceProducer(cluster.brokerAddresses, TOPIC);
  const gaps: Record<string, number> = {};
  await producer.start();
  try {
    await waitFor('fifty acknowledgements', () => producer.acknowledged.length >= 50);
    for (const role of ['leader', 'controller', 'follower'] as const) {
      gaps[role] = await killAndRejoin(cluster, producer, role);
    }
  } finally {
    await producer.stop();
  }
  const values = await readAll(cluster.brokerAddresses, TOPIC);
  expectEachOnceInOrder(values, producer);
  return { gaps };
}

async function killAndRejoin(cluster: RunningCluster, producer: SequenceProducer, role: Role): Promise<number> {
  const victim = await waitFor(`a ${role}`, () => findBroker(cluster, role));
  await cluster.kill(victim);
  const killedAt = performance.now();
  const next = await waitFor(`an acknowledgement after the ${role} died`, () => producer.firstAfter(killedAt));
  await waitFor('a hundred more acknowledgements', () => producer.firstAfter(next.at + 100) !== undefined);
  await cluster.restart(victim);
  await waitFor(`broker ${victim} to be back in the ISR`, () => isrOf(cluster).includes(victim), 30_000, 100);
  return next.at - killedAt;
}

type Role = 'leader' | 'controller' | 'follower';

function isrOf(cluster: RunningCluster): number[] {
  return cluster.describeTopic(TOPIC).partitions[0]!.isr;
}

function findBroker(cluster: RunningCluster, role: Role): number | null {
  const { leader, replicas } = cluster.describeTopic(TOPIC).partitions[0]!;
  if (role === 'leader') return leader;
  if (role === 'follower') return replicas.find((replica) => replica !== leader) ?? null;
  return cluster.controller();
}

function expectEachOnceInOrder(values: string[], producer: SequenceProducer): void {
  const acknowledged = producer.acknowledged.map((ack) => String(ack.sequence));
  expect(new Set(values).size).toBe(values.length);
  expect(values.slice(0, acknowledged.length)).toEqual(acknowledged);
}

export function expectQuickFailover(gaps: Record<string, number>): void {
  for (const [role, gap] of Object.entries(gaps)) {
    expect({ role, withinDeadline: gap < ACK_DEADLINE_MS, gap }).toMatchObject({ role, withinDeadline: true });
  }
}
