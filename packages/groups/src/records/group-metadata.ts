import { dataSchema, f } from '@ottla/protocol';
import { timerFor } from '../deadlines';
import { Group, type Member, metadataFor } from '../group';
import type { RecordToWrite } from '../messages';
import { subscribedTopicsOf } from './consumer-protocol';

/** Key of a group in `__consumer_offsets`. */
export const groupMetadataKey = dataSchema({
  name: 'GroupMetadataKey',
  versions: '2',
  fields: {
    group: f.string('0+'),
  },
});

/** Version 1 adds rebalance timeouts; 2 the time of the state (KIP-211); 3 static members (KIP-345); 4 is flexible. */
export const groupMetadataValue = dataSchema({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexibleFrom: 4,
  fields: {
    protocolType: f.string('0+'),
    generation: f.int32('0+'),
    protocol: f.string('0+').nullable('0+'),
    leader: f.string('0+').nullable('0+'),
    currentStateTimestamp: f.int64('2+').default(-1),
    members: f.array('0+', {
      memberId: f.string('0+'),
      groupInstanceId: f.string('3+').nullable('3+').default(null),
      clientId: f.string('0+'),
      clientHost: f.string('0+'),
      rebalanceTimeout: f.int32('1+').default(-1),
      sessionTimeout: f.int32('0+'),
      subscription: f.bytes('0+'),
      assignment: f.bytes('0+'),
    }),
  },
});

type GroupMetadata = ReturnType<typeof groupMetadataValue.read>['message'];

const KEY_VERSION = 2;
const VALUE_VERSION = 3;

/** The record of the group's present generation; `assignmentOf` where it isn't installed yet. */
export function groupRecord(
  group: Group,
  assignmentOf: (member: Member) => Uint8Array = (member) => member.assignment,
): RecordToWrite {
  return {
    key: groupMetadataKey.write(KEY_VERSION, { group: group.id }),
    value: groupMetadataValue.write(VALUE_VERSION, {
      protocolType: group.protocolType ?? '',
      generation: group.generation,
      protocol: group.protocolName,
      leader: group.leader,
      currentStateTimestamp: group.stateSince ?? -1,
      members: [...group.members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instance,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: metadataFor(member, group.protocolName),
        assignment: assignmentOf(member),
      })),
    }),
  };
}

export function groupTombstone(groupId: string): RecordToWrite {
  return { key: groupMetadataKey.write(KEY_VERSION, { group: groupId }), value: null };
}

/** The group as its record has it: Stable with members, Empty without. */
export function readGroup(groupId: string, bytes: Uint8Array, now: number): Group {
  const record = groupMetadataValue.read(bytes).message;
  const group = new Group(groupId, now);
  group.recorded = true;
  group.generation = record.generation;
  group.stateSince = record.currentStateTimestamp === -1 ? null : record.currentStateTimestamp;
  group.protocolName = record.protocol;
  group.leader = record.leader;
  if (record.members.length > 0) group.state = 'Stable';
  for (const member of record.members) group.add(readMember(group, member), record.protocolType);
  group.protocolType = record.protocolType === '' ? null : record.protocolType;
  group.subscribedTopics = subscribedTopicsOf(group);
  return group;
}

function readMember(group: Group, record: GroupMetadata['members'][number]): Member {
  const { memberId, sessionTimeout, rebalanceTimeout } = record;
  return {
    id: memberId,
    instance: record.groupInstanceId,
    clientId: record.clientId,
    clientHost: record.clientHost,
    rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
    sessionTimeoutMs: sessionTimeout,
    // Copied: views would keep whole batches of the log in memory.
    protocols: [{ name: group.protocolName ?? '', metadata: record.subscription.slice() }],
    assignment: record.assignment.slice(),
    awaitingJoin: null,
    awaitingSync: null,
    isNew: false,
    session: timerFor({ kind: 'session', group, memberId }),
  };
}
