import { appendFileSync } from 'node:fs';
import { waitFor } from '../harness/wait';
import { check, type Finding, type PartitionEvidence } from './check';
import { Journal, monotonicMs, type Stream } from './clients/journal';
import { kafkajsConsumer, kafkajsProducer } from './clients/kafkajs';
import { type Client, librdkafkaConsumer, librdkafkaProducer } from './clients/librdkafka';
import { readByKafkajs, readByKcat } from './clients/read-back';
import { PARTITIONS, TOPICS } from './faults/fault';

const INTERVAL_MS = 25;
/** A request may have been lost with a connection that looked well: the client's timeout, and its retries. */
const FLOW_DEADLINE_MS = 120_000;

/** Two clients that produce and consume the whole time, and what they were told. */
export class Load {
  readonly journal: Journal;
  private producers: Client[] = [];
  private consumers: Client[] = [];

  /** `log`: a file for what clients say beside results. */
  constructor(
    private readonly bootstrap: string,
    log: string,
  ) {
    this.journal = new Journal((client, what) =>
      appendFileSync(log, `${new Date().toISOString()} ${client}: ${what}\n`),
    );
  }

  /** The topics are there. Resolves when every stream flows. */
  async start(): Promise<void> {
    const { bootstrap, journal } = this;
    const began = monotonicMs();
    const target = (topic: string) => ({ bootstrap, topic, partitions: PARTITIONS, intervalMs: INTERVAL_MS });
    const [first, second] = TOPICS;
    this.producers = [librdkafkaProducer(journal, target(first)), kafkajsProducer(journal, target(second))];
    const source = { bootstrap, topics: TOPICS };
    this.consumers = [librdkafkaConsumer(journal, source)];
    this.consumers.push(await kafkajsConsumer(journal, source));
    for (const client of ['librdkafka', 'kafkajs'])
      for (const topic of TOPICS)
        for (let partition = 0; partition < PARTITIONS; partition++) journal.consumedFrom(client, topic, partition);
    await this.untilFlowing(began);
  }

  /** Waits until something was acknowledged on, and read from, every partition after a moment. */
  async untilFlowing(after: number): Promise<void> {
    const { produced, consumed } = this.journal;
    const stuck = (streams: readonly Stream[], since: (stream: Stream) => number): string[] =>
      streams.filter((stream) => stream.lastAt <= since(stream)).map(({ name }) => name);
    const check = (): boolean => {
      const waiting = stuck([...produced, ...consumed], () => after);
      if (waiting.length > 0) throw new Error(`nothing since then: ${waiting.join(', ')}`);
      return true;
    };
    await waitFor('every client to go on', check, FLOW_DEADLINE_MS, 100);
  }

  /** Ends the producers, lets the consumers read to the end, reads everything back and compares. */
  async finish(): Promise<{ readonly findings: Finding[]; readonly acknowledged: number; readonly records: number }> {
    await Promise.all(this.producers.map((producer) => producer.close()));
    const byKafkajs = await readByKafkajs(this.bootstrap, TOPICS);
    const evidence: PartitionEvidence[] = [];
    for (const { topic, partition, acknowledged } of this.journal.produced) {
      const name = `${topic}-${partition}`;
      const readBack = [
        { client: 'kcat', records: await readByKcat(this.bootstrap, topic, partition) },
        { client: 'kafkajs', records: byKafkajs.get(name)! },
      ];
      const consumed = this.journal.consumed.filter(
        (stream) => stream.topic === topic && stream.partition === partition,
      );
      evidence.push({ name, acknowledged, readBack, consumed });
    }
    await this.untilConsumed(evidence);
    await Promise.all(this.consumers.map((consumer) => consumer.close()));
    return {
      findings: evidence.flatMap(check),
      acknowledged: evidence.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
      records: evidence.reduce((sum, { readBack }) => sum + readBack[0]!.records.length, 0),
    };
  }

  killNow(): void {
    for (const client of [...this.producers, ...this.consumers]) client.killNow();
  }

  private async untilConsumed(evidence: readonly PartitionEvidence[]): Promise<void> {
    const check = (): boolean => {
      for (const { name, readBack, consumed } of evidence) {
        const last = readBack[0]!.records.at(-1)?.offset ?? -1;
        const behind = consumed.find(({ reads }) => (reads.at(-1)?.offset ?? -1) < last);
        if (behind !== undefined) throw new Error(`${behind.client} has not read ${name} up to ${last}`);
      }
      return true;
    };
    await waitFor('the groups to be at the end', check, FLOW_DEADLINE_MS, 100);
  }
}
