import type { TopicPartition } from '@ottla/controller';
import type { OttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../../services';

/** What became of each partition of a request; what nobody foresaw is logged. */
export class PartitionResults {
  private readonly errors = new Map<string, OttlaError | null>();

  constructor(
    private readonly services: Pick<BrokerServices, 'logger'>,
    private readonly doing: string,
  ) {}

  add({ topic, partition }: TopicPartition, error: OttlaError | null): void {
    if (error?.code === 'UNKNOWN_SERVER_ERROR') {
      const { message, stack } = error;
      this.services.logger.error(`${this.doing} ${topic}-${partition} failed: ${message}`, { stack });
    }
    this.errors.set(`${topic}/${partition}`, error);
  }

  /** Null when it was done, or nothing was told of it. */
  of(topic: string, partition: number): OttlaError | null {
    return this.errors.get(`${topic}/${partition}`) ?? null;
  }
}
