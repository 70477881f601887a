export { run } from './run';
export type { ClusterFile, ClusterFileBroker } from './up/cluster-file';
