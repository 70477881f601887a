export { type MutantOutcome, outcomeLine, outcomeTable, replayCommand, withTable } from './mutant-report';
export { formatNumberList, parseNumberList } from './number-list';
export { type ShrinkOptions, type Shrunk, shrink } from './shrink';
export { count, RARE_THINGS, type RareThing, type RunSummary, Tally } from './tally';
