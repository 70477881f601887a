import { type AnyApi, apis, ErrorCode, errorName, OttlaError, toOttlaError } from '@ottla/protocol';
import type { PartitionRef } from '../../history/events';
import { type ActorContext, wireClient } from '../actor';
import type { WireClient } from '../wire/wire-client';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 1_500;

/** Administers topics through the Kafka door. Every answer is remembered. */
export class AdminClient {
  readonly client: WireClient;
  private served: Set<number> | null = null;

  constructor(readonly context: ActorContext) {
    this.client = wireClient(context, { requestTimeoutMs: TIMEOUT_MS + 500, sticky: false });
  }

  /** Resolves with the error's name, NONE when it was done. */
  async createTopic({ name, partitions, replicationFactor, configs }: NewTopic): Promise<string> {
    const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const topic = { name, numPartitions: partitions, replicationFactor, assignments: [], configs: settings };
    const body = { topics: [topic], timeoutMs: TIMEOUT_MS, validateOnly: false };
    return this.ask(`create ${name}`, name, apis.CreateTopics, 7, body, ({ topics }) => topics[0]?.errorCode);
  }

  deleteTopic(name: string): Promise<string> {
    const body = { topics: [], topicNames: [name], timeoutMs: TIMEOUT_MS };
    return this.ask(`delete ${name}`, name, apis.DeleteTopics, 5, body, ({ responses }) => responses[0]?.errorCode);
  }

  grow(name: string, count: number): Promise<string> {
    const body = { topics: [{ name, count, assignments: null }], timeoutMs: TIMEOUT_MS, validateOnly: false };
    const codeOf = ({ results }: { results: { errorCode: number }[] }) => results[0]?.errorCode;
    return this.ask(`grow ${name} to ${count}`, name, apis.CreatePartitions, 3, body, codeOf);
  }

  /** An API that not every version of the broker has; null when it isn't served. */
  async optional(name: string): Promise<AnyApi | null> {
    const api = (apis as Readonly<Record<string, AnyApi | undefined>>)[name];
    if (api === undefined) return null;
    if (this.served === null) {
      const answer = await this.client.askAny(apis.ApiVersions, 3, {
        clientSoftwareName: 'sim',
        clientSoftwareVersion: '1',
      });
      this.served = new Set(answer.apiKeys.map(({ apiKey }) => apiKey));
    }
    return this.served.has(api.key) ? api : null;
  }

  /** What lies before an offset may vanish from now on. */
  async deleteRecords(api: AnyApi, version: number, to: PartitionRef, broker: number, before: number): Promise<string> {
    const { recorder, name: client } = this.context;
    recorder.record({ type: 'delete-records-sent', client, ...to, before });
    const partitions = [{ partitionIndex: to.partition, offset: before }];
    const body = { topics: [{ name: to.topic, partitions }], timeoutMs: TIMEOUT_MS };
    const answered = this.client.ask(broker, api, version, body as never);
    const request = `delete records of ${to.topic}-${to.partition} before ${before}`;
    return this.note(request, to.topic, answered, (answer) => answer.topics[0]?.partitions[0]?.errorCode);
  }

  ask(
    request: string,
    topic: string,
    api: AnyApi,
    version: number,
    body: object,
    // biome-ignore lint/suspicious/noExplicitAny: the response of any API
    codeOf: (answer: any) => number | undefined,
  ): Promise<string> {
    return this.note(request, topic, this.client.askAny(api, version, body as never), codeOf);
  }

  private async note(
    request: string,
    topic: string,
    answered: Promise<unknown>,
    // biome-ignore lint/suspicious/noExplicitAny: the response of any API
    codeOf: (answer: any) => number | undefined,
  ): Promise<string> {
    const { recorder, name: client } = this.context;
    const sent = recorder.mark;
    const error = await answered.then(
      (answer) => errorName(codeOf(answer) ?? ErrorCode.UNKNOWN_SERVER_ERROR),
      (thrown: unknown) => {
        if (!(thrown instanceof OttlaError)) throw thrown;
        return toOttlaError(thrown).code;
      },
    );
    recorder.record({ type: 'admin-answered', client, sent, request, topic, error });
    return error;
  }
}
