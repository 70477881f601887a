import type { Clock, Random, TcpNetwork } from '@ottla/runtime';
import type { Recorder } from '../history/recorder';
import type { DoorLink } from '../run/workload-world';
import { WireClient } from './wire/wire-client';

/** One client of the workload. */
export interface Actor {
  readonly name: string;
  start(): void;
  /** The faults are over: begin nothing new, finish what is under way. */
  quiesce(): void;
  /** Null once there is nothing left to do, else what is missing. */
  unfinished(): string | null;
}

/** What every client has. */
export interface ActorContext {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: Recorder;
  readonly network: TcpNetwork;
  readonly brokers: readonly number[];
  bootstrap(): { host: string; port: number }[];
  door(broker: number): DoorLink;
  /** A number that nobody else in the run gets. */
  nextId(): number;
  count(counter: string): void;
}

export function wireClient(context: ActorContext, options: { requestTimeoutMs: number; sticky: boolean }): WireClient {
  const { name, clock, random, network } = context;
  return new WireClient({ name, clock, random, network, bootstrap: context.bootstrap(), ...options });
}
