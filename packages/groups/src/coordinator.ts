import type { GroupCoordinatorOptions, GroupEffect, GroupInput } from './messages';

/** The coordinator of the groups that hash to one partition of `__consumer_offsets`, in one leader epoch. */
export class GroupCoordinator {
  constructor(
    readonly options: GroupCoordinatorOptions,
    readonly epoch: number,
  ) {}

  step(_now: number, _input: GroupInput): GroupEffect[] {
    throw new Error('not yet');
  }

  nextDeadline(): number | null {
    return null;
  }
}
