export type { WorkloadParts } from './run/no-workload';
export type { PlannedItem, RunOptions, RunResult, Violation } from './run/result';
export { runSeed } from './run/run-seed';
export type {
  CreateWorkload,
  DoorLink,
  DrawWorkload,
  Inspection,
  ReplicaOnDisk,
  SegmentBytes,
  Topology,
  Workload,
  WorkloadPlan,
  WorkloadWorld,
} from './run/workload-world';
export { SimTime } from './time/sim-time';
