import type { ErrorName } from '@ottla/protocol';
import type { TimerPurpose } from './group';
import { deleteGroups, describeGroups, listGroups } from './listing';
import { onSessionTimer } from './membership/expiry';
import { heartbeat } from './membership/heartbeat';
import { joinGroup } from './membership/join';
import { leaveGroup } from './membership/leave';
import { onJoinTimer, onSyncTimer, prepareRebalance } from './membership/rebalance';
import { joinRefusal, syncRefusal } from './membership/replies';
import { syncGroup } from './membership/sync';
import type { GroupCoordinatorOptions, GroupEffect, GroupInput, GroupRequestInput } from './messages';
import { commitOffsets } from './offsets/commit';
import { OffsetExpiry } from './offsets/expiry';
import { fetchOffsets } from './offsets/fetch';
import { refusal } from './refusals';
import { Replay } from './replay';
import { Shard } from './shard';

type Phase = 'loading' | 'serving' | 'unloaded';

/**
 * The coordinator of the groups that hash to one partition of `__consumer_offsets`, in one leader epoch of it: Kafka's
 * classic group protocol and the committed offsets, as a state machine without I/O.
 *
 * It is fed the partition's records (`load`), then `loaded`, and serves from there until `unload`. It answers what changes
 * state when the records of the change are written, that is, below the high watermark. A coordinator for a later epoch is
 * another object, so nothing of an earlier load can reach it.
 */
export class GroupCoordinator {
  private phase: Phase = 'loading';
  private readonly shard: Shard;
  private readonly replay: Replay;
  private readonly expiry: OffsetExpiry;
  private readonly deletedWhileLoading: string[] = [];

  constructor(
    options: GroupCoordinatorOptions,
    /** Leader epoch of the partition. */
    readonly epoch: number,
  ) {
    this.shard = new Shard(options);
    this.replay = new Replay(this.shard);
    this.expiry = new OffsetExpiry(this.shard);
  }

  /** Takes one input at the time `now` (ms since 1970, never going back) and answers what is to be done, in order. */
  step(now: number, input: GroupInput): GroupEffect[] {
    const { shard } = this;
    shard.now = now;
    switch (input.type) {
      case 'load':
        if (this.phase === 'loading') this.replay.load(input.records);
        break;
      case 'loaded':
        if (this.phase === 'loading') this.onLoaded();
        break;
      case 'request':
        this.onRequest(input);
        break;
      case 'written':
        shard.onWritten(input.writeId);
        break;
      case 'write-failed':
        shard.onWriteFailed(input.writeId, input.error);
        break;
      case 'tick':
        if (this.phase === 'serving') this.onTick();
        break;
      case 'unload':
        if (this.phase !== 'unloaded') this.onUnload();
        break;
      case 'topics-deleted':
        this.onTopicsDeleted(input.topics);
        break;
    }
    return shard.takeEffects();
  }

  /** When the next `tick` is due, in the time of `step`; null while nothing is. */
  nextDeadline(): number | null {
    return this.phase === 'serving' ? this.shard.deadlines.earliest() : null;
  }

  /** Members get a full session, because nobody could heartbeat while their coordinator was moving. */
  private onLoaded(): void {
    const { shard } = this;
    this.phase = 'serving';
    this.replay.finish();
    for (const group of shard.groups.values()) {
      for (const member of group.members.values()) shard.renewSession(member);
      if (group.members.size > shard.options.groupMaxSize) {
        prepareRebalance(shard, group, `${group.members.size} members loaded, over group.max.size`);
      }
    }
    this.expiry.start();
    shard.event({ kind: 'loaded', groups: shard.groups.size, offsets: shard.offsets.count() });
    if (this.deletedWhileLoading.length > 0) this.expiry.onTopicsDeleted(this.deletedWhileLoading.splice(0));
  }

  private onRequest(request: GroupRequestInput): void {
    const { shard } = this;
    const error = this.unavailable(request);
    if (error !== null) {
      shard.reply(request, refusal(request, error));
      return;
    }
    switch (request.api) {
      case 'JoinGroup':
        joinGroup(shard, request, request.body);
        break;
      case 'SyncGroup':
        syncGroup(shard, request, request.body);
        break;
      case 'Heartbeat':
        heartbeat(shard, request, request.body);
        break;
      case 'LeaveGroup':
        leaveGroup(shard, request, request.body);
        break;
      case 'OffsetCommit':
        commitOffsets(shard, request, request.body);
        break;
      case 'OffsetFetch':
        fetchOffsets(shard, request, request.body);
        break;
      case 'DescribeGroups':
        describeGroups(shard, request, request.body);
        break;
      case 'ListGroups':
        listGroups(shard, request, request.body);
        break;
      case 'DeleteGroups':
        deleteGroups(shard, request, request.body);
        break;
    }
  }

  /** Why nothing can be said now, or null. A heartbeat while loading is answered NONE: the member shall just go on. */
  private unavailable(request: GroupRequestInput): ErrorName | null {
    if (this.phase === 'unloaded') return 'NOT_COORDINATOR';
    if (this.phase === 'loading') return request.api === 'Heartbeat' ? 'NONE' : 'COORDINATOR_LOAD_IN_PROGRESS';
    if (request.api !== 'OffsetCommit' && request.api !== 'LeaveGroup') return null;
    const group = this.shard.groups.get(request.body.groupId);
    return group && this.shard.isOverloaded(group) ? 'COORDINATOR_LOAD_IN_PROGRESS' : null;
  }

  private onTick(): void {
    const { shard } = this;
    for (let due = shard.deadlines.takeDue(shard.now); due; due = shard.deadlines.takeDue(shard.now)) {
      this.onTimer(due.what);
    }
  }

  private onTimer(purpose: TimerPurpose): void {
    switch (purpose.kind) {
      case 'session':
        onSessionTimer(this.shard, purpose.group, purpose.memberId);
        break;
      case 'join':
        onJoinTimer(this.shard, purpose.group);
        break;
      case 'sync':
        onSyncTimer(this.shard, purpose.group);
        break;
      case 'retention':
        this.expiry.onCheckTimer();
        break;
      case 'retry-tombstones':
        this.expiry.onRetryTimer();
        break;
    }
  }

  private onTopicsDeleted(topics: readonly string[]): void {
    if (this.phase === 'loading') this.deletedWhileLoading.push(...topics);
    else if (this.phase === 'serving') this.expiry.onTopicsDeleted(topics);
  }

  private onUnload(): void {
    const { shard } = this;
    this.phase = 'unloaded';
    for (const group of shard.groups.values()) {
      for (const { id, awaitingJoin, awaitingSync } of group.members.values()) {
        if (awaitingJoin) shard.reply(awaitingJoin, joinRefusal(awaitingJoin.version, 'NOT_COORDINATOR', id));
        if (awaitingSync) shard.reply(awaitingSync, syncRefusal('NOT_COORDINATOR'));
      }
    }
    shard.abandon('NOT_LEADER_OR_FOLLOWER');
  }
}
