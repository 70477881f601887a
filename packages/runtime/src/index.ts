export type * from './ports/peer-network';
