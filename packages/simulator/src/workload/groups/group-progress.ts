/** How far a group has come, as its members were told. */
export class GroupProgress {
  /** By `topic-partition`, the offset acknowledged or told last. */
  private readonly committed = new Map<string, number>();

  constructor(
    readonly group: string,
    readonly topics: readonly string[],
  ) {}

  note(topic: string, partition: number, offset: number): void {
    this.committed.set(`${topic}-${partition}`, offset);
  }

  /** Where the group hasn't come to the end; null when it has everywhere. `endOf` is null for partitions that don't count. */
  missing(endOf: (topic: string, partition: number) => number | null): string | null {
    for (const topic of this.topics) {
      for (let partition = 0; ; partition++) {
        const end = endOf(topic, partition);
        if (end === null) break;
        const committed = this.committed.get(`${topic}-${partition}`) ?? -1;
        if (end > 0 && committed < end) {
          return `${this.group} has committed ${committed} of ${topic}-${partition}, not ${end}`;
        }
      }
    }
    return null;
  }
}
