import type { AssignedPartition } from '@ottla/controller';
import { CommandError } from '../command-error';

/** As Kafka's own tool writes and reads it. */
interface PlanJson {
  readonly version: 1;
  readonly partitions: readonly AssignedPartition[];
}

export function formatPlan(partitions: readonly AssignedPartition[]): string {
  const plan: PlanJson = {
    version: 1,
    partitions: partitions.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
  };
  return JSON.stringify(plan);
}

/** Reads a plan. Throws a CommandError that says what of it is wrong. */
export function parsePlan(text: string, where: string): AssignedPartition[] {
  const plan = json(text, where) as Partial<PlanJson> | null;
  if (plan?.version !== 1 || !Array.isArray(plan.partitions)) {
    throw new CommandError(`${where}: expected {"version":1,"partitions":[...]}, as \`ottla reassign plan\` prints it`);
  }
  const seen = new Set<string>();
  return plan.partitions.map((entry: unknown, index) => {
    const { topic, partition, replicas } = entryOf(entry, `${where}: partitions[${index}]`);
    const name = `${topic}-${partition}`;
    if (seen.has(name)) throw new CommandError(`${where}: ${name} is in it twice`);
    seen.add(name);
    return { topic, partition, replicas };
  });
}

function entryOf(entry: unknown, where: string): AssignedPartition {
  const { topic, partition, replicas } = (entry ?? {}) as Partial<AssignedPartition>;
  const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof topic === 'string' && isWhole(partition) && Array.isArray(replicas) && replicas.every(isWhole)) {
    return { topic, partition, replicas };
  }
  throw new CommandError(`${where}: expected {"topic":NAME,"partition":NUMBER,"replicas":[BROKER,...]}`);
}

function json(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${where}: not JSON: ${(error as Error).message}`);
  }
}
