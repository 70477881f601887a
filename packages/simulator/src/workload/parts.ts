import type { WorkloadParts } from '../run/no-workload';
import { type ClientsPlan, drawWorkload } from './plan/draw';
import { createWorkload } from './workload';

/** The clients of a default run. */
export const clientsOfRun: WorkloadParts = {
  draw: drawWorkload,
  create: (world, plan) => createWorkload(world, plan as ClientsPlan),
};
