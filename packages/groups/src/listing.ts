import {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  ErrorCode,
  type ErrorName,
  type ListGroupsRequest,
} from '@ottla/protocol';
import { type Group, metadataFor, NO_ASSIGNMENT } from './group';
import type { RequestContext } from './messages';
import { removeEmptyGroup } from './offsets/tombstones';
import type { Shard } from './shard';
import { answerToWriteError } from './write-errors';

/** From this version on an unknown group is an error, not a dead group (KIP-1043). */
const GROUP_ID_NOT_FOUND_FROM = 6;

const GROUP_TYPE = 'classic';

type DescribedGroup = DescribeGroupsResponse['groups'][number];

export function describeGroups(shard: Shard, context: RequestContext, body: DescribeGroupsRequest): void {
  const groups = body.groups.map((groupId) => {
    const group = shard.groups.get(groupId);
    return group ? describe(group) : describeUnknown(groupId, context.version);
  });
  shard.reply(context, { groups });
}

function describe(group: Group): DescribedGroup {
  const isStable = group.state === 'Stable';
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId: group.id,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instance,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataFor(member, group.protocolName) : NO_ASSIGNMENT,
      memberAssignment: member.assignment,
    })),
  };
}

function describeUnknown(groupId: string, version: number): DescribedGroup {
  if (version < GROUP_ID_NOT_FOUND_FROM) return describedAs(groupId, 'NONE', 'Dead', null);
  return describedAs(groupId, 'GROUP_ID_NOT_FOUND', 'Dead', `Group ${groupId} not found.`);
}

/** A description that says only what is wrong. */
export function describedAs(groupId: string, error: ErrorName, state: string, message: string | null): DescribedGroup {
  return {
    errorCode: ErrorCode[error],
    errorMessage: message,
    groupId,
    groupState: state,
    protocolType: '',
    protocolData: '',
    members: [],
  };
}

/** Filters don't heed case; an empty one lets everything through, and an unknown type or state nothing. */
export function listGroups(shard: Shard, context: RequestContext, body: ListGroupsRequest): void {
  const states = new Set(body.statesFilter.map((state) => state.trim().toLowerCase()));
  const types = new Set(body.typesFilter.map((type) => type.trim().toLowerCase()));
  const isListed = (group: Group): boolean =>
    (states.size === 0 || states.has(group.state.toLowerCase())) && (types.size === 0 || types.has(GROUP_TYPE));
  const groups = [...shard.groups.values()].filter(isListed).map((group) => ({
    groupId: group.id,
    protocolType: group.protocolType ?? '',
    groupState: group.state,
    groupType: GROUP_TYPE,
  }));
  shard.reply(context, { errorCode: ErrorCode.NONE, groups });
}

/** Deletes groups without members, offsets and all; it answers when all their tombstones are in the log. */
export function deleteGroups(shard: Shard, context: RequestContext, body: DeleteGroupsRequest): void {
  const results = new Map<string, ErrorName>();
  let outstanding = 1;
  const done = (): void => {
    outstanding--;
    if (outstanding === 0) shard.reply(context, deleteResponse(results));
  };
  for (const groupId of new Set(body.groupsNames)) {
    const group = shard.groups.get(groupId);
    const error = deletionError(group);
    results.set(groupId, error ?? 'NONE');
    if (!group || error !== null) continue;
    outstanding++;
    shard.park(group, removeEmptyGroup(shard, group, 'deleted'), (failure) => {
      if (failure !== null) results.set(groupId, answerToWriteError(failure));
      done();
    });
  }
  done();
}

function deletionError(group: Group | undefined): ErrorName | null {
  if (!group || group.state === 'Dead') return 'GROUP_ID_NOT_FOUND';
  return group.state === 'Empty' ? null : 'NON_EMPTY_GROUP';
}

function deleteResponse(results: ReadonlyMap<string, ErrorName>): DeleteGroupsResponse {
  return { results: [...results].map(([groupId, error]) => ({ groupId, errorCode: ErrorCode[error] })) };
}

/** The answer to a deletion that doesn't reach the groups. */
export function deleteRefusal(body: DeleteGroupsRequest, error: ErrorName): DeleteGroupsResponse {
  return deleteResponse(new Map(body.groupsNames.map((groupId) => [groupId, error])));
}
