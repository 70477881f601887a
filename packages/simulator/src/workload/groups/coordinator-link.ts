import { type AnyApi, type InputOf, type MessageOf, OttlaError, toOttlaError } from '@ottla/protocol';
import type { WireClient } from '../wire/wire-client';

/** What says that the group's coordinator is to be looked for again. */
const MOVED = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
]);

/** Finds the coordinator of a group, and asks it. */
export class CoordinatorLink {
  private broker: number | null = null;
  /** Who was asked last; -1 before that. */
  asked = -1;

  constructor(
    private readonly client: WireClient,
    private readonly group: string,
  ) {}

  /** Rejects with an OttlaError when there is no coordinator, or no answer. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    body: InputOf<A['request']>,
    timeoutMs: number,
  ): Promise<MessageOf<A['response']>> {
    try {
      this.broker ??= await this.client.coordinator(this.group);
      this.asked = this.broker;
      return await this.client.ask(this.broker, api, version, body, timeoutMs);
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
      this.note(toOttlaError(error).code);
      throw error;
    }
  }

  /** Tells of an error in an answer. */
  note(error: string): void {
    if (MOVED.has(error)) this.broker = null;
  }
}
