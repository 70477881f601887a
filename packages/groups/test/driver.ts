import { ErrorCode, type ErrorName, errorName } from '@ottla/protocol';
import {
  type GroupApi,
  GroupCoordinator,
  type GroupCoordinatorOptions,
  type GroupEffect,
  type GroupEvent,
  type GroupInput,
  type GroupRequests,
  type GroupResponses,
  type RecordToWrite,
  type StoredRecord,
} from '../src';

export const OPTIONS: GroupCoordinatorOptions = {
  groupMinSessionTimeoutMs: 1_000,
  groupMaxSessionTimeoutMs: 60_000,
  groupInitialRebalanceDelayMs: 0,
  offsetsRetentionMs: 86_400_000,
  groupMaxSize: 100,
  offsetMetadataMaxBytes: 16,
  offsetsRetentionCheckIntervalMs: 600_000,
};

export const LATEST: Record<GroupApi, number> = {
  JoinGroup: 9,
  SyncGroup: 5,
  Heartbeat: 4,
  LeaveGroup: 5,
  OffsetCommit: 9,
  OffsetFetch: 9,
  DescribeGroups: 6,
  ListGroups: 5,
  DeleteGroups: 2,
};

export interface Write {
  readonly writeId: number;
  readonly records: readonly RecordToWrite[];
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/**
 * A coordinator with the log under it: writes are appended, and confirmed at once unless `hold` is set. Requests are
 * named by number; what has been answered is in `replies`.
 */
export class Driver {
  now = 1_000_000;
  hold = false;
  coordinator: GroupCoordinator;
  log: StoredRecord[] = [];
  readonly waiting: Write[] = [];
  readonly replies = new Map<number, unknown>();
  readonly events: GroupEvent[] = [];
  private requests = 0;
  private epoch = 1;

  constructor(
    readonly options: GroupCoordinatorOptions = OPTIONS,
    log: StoredRecord[] = [],
    start = true,
  ) {
    this.log = log;
    this.coordinator = new GroupCoordinator(options, this.epoch);
    if (start) this.load();
  }

  load(): void {
    this.step({ type: 'load', records: this.log });
    this.step({ type: 'loaded' });
  }

  /** The leader dies with the writes that nobody confirmed, and another loads what is in the log. */
  crash(): void {
    this.waiting.length = 0;
    this.coordinator = new GroupCoordinator(this.options, ++this.epoch);
    this.load();
  }

  step(input: GroupInput): GroupEffect[] {
    const effects = this.coordinator.step(this.now, input);
    for (const effect of effects) {
      if (effect.type === 'event') this.events.push(effect.event);
      else if (effect.type === 'write') this.waiting.push(effect);
      else if (this.replies.has(effect.requestId)) throw new Error(`request ${effect.requestId} answered twice`);
      else this.replies.set(effect.requestId, effect.body);
    }
    if (!this.hold) this.confirmAll();
    return effects;
  }

  confirmAll(): void {
    while (this.waiting.length > 0) this.confirm();
  }

  /** The oldest waiting write passes the high watermark. */
  confirm(): void {
    const write = this.waiting.shift()!;
    this.append(write);
    this.step({ type: 'written', writeId: write.writeId });
  }

  append(write: Write): void {
    for (const { key, value } of write.records) this.log.push({ key, value, timestamp: this.now });
  }

  /** The oldest waiting write fails. */
  fail(error: ErrorName): void {
    const write = this.waiting.shift()!;
    this.step({ type: 'write-failed', writeId: write.writeId, error });
  }

  /** Time passes; deadlines on the way are met at their time. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.coordinator.nextDeadline(); at !== null && at <= until; at = this.coordinator.nextDeadline()) {
      this.now = Math.max(this.now, at);
      this.step({ type: 'tick' });
    }
    this.now = until;
  }

  /** Lets deadlines that are due now happen. */
  settle(): void {
    this.pass(0);
  }

  send<A extends GroupApi>(
    api: A,
    body: GroupRequests[A],
    options: { version?: number; client?: string } = {},
  ): number {
    const requestId = ++this.requests;
    this.step({
      type: 'request',
      api,
      body,
      requestId,
      version: options.version ?? LATEST[api],
      clientId: options.client ?? 'client',
      clientHost: '/10.0.0.1',
      memberIdSeed: `seed${requestId}`,
    } as GroupInput);
    return requestId;
  }

  reply<A extends GroupApi>(_api: A, requestId: number): GroupResponses[A] {
    const body = this.replies.get(requestId);
    if (body === undefined) throw new Error(`request ${requestId} has no answer yet`);
    return body as GroupResponses[A];
  }

  isAnswered(requestId: number): boolean {
    return this.replies.has(requestId);
  }

  /** Sends and returns the answer, which must be there at once. */
  call<A extends GroupApi>(
    api: A,
    body: GroupRequests[A],
    options: { version?: number; client?: string } = {},
  ): GroupResponses[A] {
    return this.reply(api, this.send(api, body, options));
  }

  describe(group: string): GroupResponses['DescribeGroups']['groups'][number] {
    return this.call('DescribeGroups', { groups: [group], includeAuthorizedOperations: false }).groups[0]!;
  }

  state(group: string): string {
    return this.describe(group).groupState;
  }

  offset(group: string, topic: string, partition: number, requireStable = false): number | ErrorName {
    const groups = [
      { groupId: group, memberId: null, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [partition] }] },
    ];
    const answer = this.call('OffsetFetch', { groupId: '', topics: null, groups, requireStable });
    const found = answer.groups![0]!.topics[0]!.partitions[0]!;
    return found.errorCode === ErrorCode.NONE ? found.committedOffset : errorName(found.errorCode);
  }
}

export function joinBody(change: Partial<GroupRequests['JoinGroup']> = {}): GroupRequests['JoinGroup'] {
  return {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: bytes('meta') }],
    reason: null,
    ...change,
  };
}

export function syncBody(change: Partial<GroupRequests['SyncGroup']> = {}): GroupRequests['SyncGroup'] {
  return {
    groupId: 'g',
    generationId: 1,
    memberId: '',
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [],
    ...change,
  };
}

export function commitBody(
  offsets: Record<string, number>,
  change: Partial<GroupRequests['OffsetCommit']> & { metadata?: string | null } = {},
): GroupRequests['OffsetCommit'] {
  const { metadata = '', ...rest } = change;
  return {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    topics: Object.entries(offsets).map(([name, offset]) => {
      const [topic, partition] = name.split('/');
      return {
        name: topic!,
        partitions: [
          {
            partitionIndex: Number(partition ?? 0),
            committedOffset: offset,
            committedLeaderEpoch: -1,
            committedMetadata: metadata,
          },
        ],
      };
    }),
    ...rest,
  };
}

/** A client of the group protocol: it remembers its member id and generation, as clients do. */
export class Client {
  memberId = '';
  generation = -1;
  isLeader = false;

  constructor(
    readonly driver: Driver,
    readonly name: string,
    readonly settings: Partial<GroupRequests['JoinGroup']> = {},
  ) {}

  /** Sends JoinGroup, twice when it must first be given an id, and returns the request that is left waiting. */
  join(change: Partial<GroupRequests['JoinGroup']> = {}, version = LATEST.JoinGroup): number {
    const { driver } = this;
    const body = (): GroupRequests['JoinGroup'] => joinBody({ ...this.settings, memberId: this.memberId, ...change });
    let request = driver.send('JoinGroup', body(), { client: this.name, version });
    if (driver.isAnswered(request)) {
      const answer = driver.reply('JoinGroup', request);
      if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
        this.memberId = answer.memberId;
        request = driver.send('JoinGroup', body(), { client: this.name, version });
      }
    }
    return request;
  }

  /** Takes in the answer to a JoinGroup, and says how it went. */
  joined(request: number): ErrorName {
    const answer = this.driver.reply('JoinGroup', request);
    if (answer.errorCode === ErrorCode.NONE) {
      this.memberId = answer.memberId;
      this.generation = answer.generationId!;
      this.isLeader = answer.leader === answer.memberId;
    }
    return errorName(answer.errorCode);
  }

  sync(assignments: Record<string, string> = {}, change: Partial<GroupRequests['SyncGroup']> = {}): number {
    return this.driver.send(
      'SyncGroup',
      syncBody({
        groupId: this.settings.groupId ?? 'g',
        memberId: this.memberId,
        groupInstanceId: this.settings.groupInstanceId ?? null,
        generationId: this.generation,
        assignments: Object.entries(assignments).map(([memberId, part]) => ({ memberId, assignment: bytes(part) })),
        ...change,
      }),
    );
  }

  heartbeat(change: Partial<GroupRequests['Heartbeat']> = {}): ErrorName {
    const body = {
      groupId: this.settings.groupId ?? 'g',
      memberId: this.memberId,
      groupInstanceId: this.settings.groupInstanceId ?? null,
      generationId: this.generation,
      ...change,
    };
    return errorName(this.driver.call('Heartbeat', body).errorCode);
  }

  leave(): number {
    const groupInstanceId = this.settings.groupInstanceId ?? null;
    const members = [{ memberId: this.memberId, groupInstanceId, reason: 'closing' }];
    return this.driver.send('LeaveGroup', { groupId: this.settings.groupId ?? 'g', memberId: '', members });
  }

  commit(offsets: Record<string, number>, change: Partial<GroupRequests['OffsetCommit']> = {}): number {
    return this.driver.send(
      'OffsetCommit',
      commitBody(offsets, {
        groupId: this.settings.groupId ?? 'g',
        memberId: this.memberId,
        groupInstanceId: this.settings.groupInstanceId ?? null,
        generationIdOrMemberEpoch: this.generation,
        ...change,
      }),
    );
  }
}

export function commitResult(driver: Driver, request: number): ErrorName {
  return errorName(driver.reply('OffsetCommit', request).topics[0]!.partitions[0]!.errorCode);
}

export function syncResult(driver: Driver, request: number): ErrorName | string {
  const answer = driver.reply('SyncGroup', request);
  return answer.errorCode === ErrorCode.NONE ? text(answer.assignment) : errorName(answer.errorCode);
}

/** Brings the clients into one stable generation; each is assigned `to <its name>`. */
export function stabilize(driver: Driver, clients: readonly Client[]): void {
  const joins = clients.map((client) => client.join());
  driver.pass(driver.options.groupInitialRebalanceDelayMs);
  clients.forEach((client, i) => {
    const result = client.joined(joins[i]!);
    if (result !== 'NONE') throw new Error(`${client.name} was not let in: ${result}`);
  });
  const assignments = Object.fromEntries(clients.map((client) => [client.memberId, `to ${client.name}`]));
  for (const client of clients) client.sync(client.isLeader ? assignments : {});
}
