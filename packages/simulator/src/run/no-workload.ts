import type { CreateWorkload, DrawWorkload } from './workload-world';

/** Clients of a run. */
export interface WorkloadParts {
  readonly draw: DrawWorkload;
  readonly create: CreateWorkload;
}

/** Nobody uses the cluster. */
export const noWorkload: WorkloadParts = {
  draw: () => ({ items: [] }),
  create: () => ({ start: () => {}, quiesce: () => {}, unfinished: () => null, finish: () => [] }),
};
