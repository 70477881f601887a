export type { PlannedItem, RunOptions, RunResult, Violation } from './run/result';
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
