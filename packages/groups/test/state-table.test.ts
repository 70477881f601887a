import { ErrorCode, errorName } from '@ottla/protocol';
import { Client, commitBody, commitResult, Driver, joinBody, stabilize, syncBody, syncResult } from './driver';

/** A group with leader A and follower B in the named state, and the clients that know it. */
interface Scene {
  readonly driver: Driver;
  readonly a: Client;
  readonly b: Client;
}

type StateName = 'unknown' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const scenes: Record<StateName, () => Scene> = {
  unknown: () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    const b = new Client(driver, 'b');
    Object.assign(a, { memberId: 'a-seed', generation: 1 });
    Object.assign(b, { memberId: 'b-seed', generation: 1 });
    return { driver, a, b };
  },
  Empty: () => {
    const scene = scenes.Stable();
    scene.a.leave();
    scene.b.leave();
    scene.driver.settle();
    // B rejoins to complete the rebalance that A's leaving began; here both are gone before that.
    return scene;
  },
  PreparingRebalance: () => {
    const scene = scenes.Stable();
    new Client(scene.driver, 'c').join();
    return scene;
  },
  CompletingRebalance: () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    const b = new Client(driver, 'b');
    const joins = [a.join(), b.join()];
    driver.settle();
    a.joined(joins[0]!);
    b.joined(joins[1]!);
    return { driver, a, b };
  },
  Stable: () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    const b = new Client(driver, 'b');
    stabilize(driver, [a, b]);
    return { driver, a, b };
  },
  Dead: () => {
    const scene = scenes.Empty();
    scene.driver.hold = true;
    scene.driver.send('DeleteGroups', { groupsNames: ['g'] });
    return scene;
  },
};

/** What a request is answered, or `waits`. */
type Answer = (scene: Scene) => string;

function joinAnswer({ driver }: Scene, request: number): string {
  return driver.isAnswered(request) ? errorName(driver.reply('JoinGroup', request).errorCode) : 'waits';
}

function syncAnswer({ driver }: Scene, request: number): string {
  return driver.isAnswered(request) ? syncResult(driver, request) : 'waits';
}

function leaveAnswer(scene: Scene, memberId: string): string {
  const members = [{ memberId, groupInstanceId: null, reason: null }];
  const answer = scene.driver.call('LeaveGroup', { groupId: 'g', memberId: '', members });
  return errorName(answer.errorCode || answer.members![0]!.errorCode);
}

const requests: Record<string, Answer> = {
  'JoinGroup of a new member': (scene) => joinAnswer(scene, scene.driver.send('JoinGroup', joinBody())),
  'JoinGroup of a new member before version 4': (scene) =>
    joinAnswer(scene, scene.driver.send('JoinGroup', joinBody(), { version: 3 })),
  'JoinGroup with an id that nobody was given': (scene) =>
    joinAnswer(scene, scene.driver.send('JoinGroup', joinBody({ memberId: 'nobody' }))),
  'JoinGroup of the leader': (scene) => joinAnswer(scene, scene.a.join()),
  'JoinGroup of a follower, unchanged': (scene) => joinAnswer(scene, scene.b.join()),
  'JoinGroup of a follower with other metadata': (scene) =>
    joinAnswer(scene, scene.b.join({ protocols: [{ name: 'range', metadata: new Uint8Array([1]) }] })),
  'JoinGroup with another protocol type': (scene) => joinAnswer(scene, scene.b.join({ protocolType: 'connect' })),
  'JoinGroup with a protocol that nobody else has': (scene) =>
    joinAnswer(
      scene,
      scene.driver.send('JoinGroup', joinBody({ protocols: [{ name: 'x', metadata: new Uint8Array(0) }] })),
    ),
  'SyncGroup of the leader': (scene) =>
    syncAnswer(scene, scene.a.sync({ [scene.a.memberId]: 'new a', [scene.b.memberId]: 'new b' })),
  'SyncGroup of a follower': (scene) => syncAnswer(scene, scene.b.sync()),
  'SyncGroup of another generation': (scene) => syncAnswer(scene, scene.b.sync({}, { generationId: 7 })),
  'SyncGroup of an unknown member': (scene) =>
    syncAnswer(scene, scene.driver.send('SyncGroup', syncBody({ memberId: 'nobody' }))),
  'SyncGroup naming another protocol': (scene) => syncAnswer(scene, scene.b.sync({}, { protocolName: 'sticky' })),
  'Heartbeat of a member': (scene) => scene.b.heartbeat(),
  'Heartbeat of another generation': (scene) => scene.b.heartbeat({ generationId: 7 }),
  'Heartbeat of an unknown member': (scene) => scene.b.heartbeat({ memberId: 'nobody' }),
  'LeaveGroup of a member': (scene) => leaveAnswer(scene, scene.b.memberId),
  'LeaveGroup of an unknown member': (scene) => leaveAnswer(scene, 'nobody'),
  'OffsetCommit of a member': ({ driver, b }) => {
    const request = b.commit({ t: 5 });
    return driver.isAnswered(request) ? commitResult(driver, request) : 'waits';
  },
  'OffsetCommit of another generation': ({ driver, b }) =>
    commitResult(driver, b.commit({ t: 5 }, { generationIdOrMemberEpoch: 7 })),
  'OffsetCommit of an unknown member': ({ driver, b }) =>
    commitResult(driver, b.commit({ t: 5 }, { memberId: 'nobody' })),
  'OffsetCommit without membership': ({ driver }) => {
    const request = driver.send('OffsetCommit', commitBody({ t: 5 }));
    return driver.isAnswered(request) ? commitResult(driver, request) : 'waits';
  },
  OffsetFetch: ({ driver }) => String(driver.offset('g', 't', 0)),
  'DescribeGroups, version 6': ({ driver }) => {
    const { errorCode, groupState, members } = driver.describe('g');
    return `${errorName(errorCode)} ${groupState} ${members.length}`;
  },
  ListGroups: ({ driver }) => {
    const { groups } = driver.call('ListGroups', { statesFilter: [], typesFilter: [] });
    return groups.map(({ groupState }) => groupState).join();
  },
  DeleteGroups: ({ driver }) => {
    const request = driver.send('DeleteGroups', { groupsNames: ['g'] });
    return driver.isAnswered(request)
      ? errorName(driver.reply('DeleteGroups', request).results[0]!.errorCode)
      : 'waits';
  },
};

const STATES: readonly StateName[] = [
  'unknown',
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
];

// One row a request, one column a state, in the order of STATES.
const table: Record<keyof typeof requests, readonly string[]> = {
  'JoinGroup of a new member': [
    'MEMBER_ID_REQUIRED',
    'MEMBER_ID_REQUIRED',
    'MEMBER_ID_REQUIRED',
    'MEMBER_ID_REQUIRED',
    'MEMBER_ID_REQUIRED',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup of a new member before version 4': [
    'waits',
    'waits',
    'waits',
    'waits',
    'waits',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup with an id that nobody was given': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup of the leader': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'waits',
    'NONE',
    'waits',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup of a follower, unchanged': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'waits',
    'NONE',
    'NONE',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup of a follower with other metadata': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'waits',
    'waits',
    'waits',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup with another protocol type': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'JoinGroup with a protocol that nobody else has': [
    'MEMBER_ID_REQUIRED',
    'MEMBER_ID_REQUIRED',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'SyncGroup of the leader': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'REBALANCE_IN_PROGRESS',
    'new a',
    'to a',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'SyncGroup of a follower': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'REBALANCE_IN_PROGRESS',
    'waits',
    'to b',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'SyncGroup of another generation': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'SyncGroup of an unknown member': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'SyncGroup naming another protocol': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INCONSISTENT_GROUP_PROTOCOL',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'Heartbeat of a member': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'REBALANCE_IN_PROGRESS',
    'NONE',
    'NONE',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'Heartbeat of another generation': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'Heartbeat of an unknown member': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'LeaveGroup of a member': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'NONE',
    'NONE',
    'NONE',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'LeaveGroup of an unknown member': [
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'OffsetCommit of a member': [
    'GROUP_ID_NOT_FOUND',
    'UNKNOWN_MEMBER_ID',
    'NONE',
    'REBALANCE_IN_PROGRESS',
    'NONE',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'OffsetCommit of another generation': [
    'GROUP_ID_NOT_FOUND',
    'UNKNOWN_MEMBER_ID',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'ILLEGAL_GENERATION',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'OffsetCommit of an unknown member': [
    'GROUP_ID_NOT_FOUND',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  'OffsetCommit without membership': [
    'NONE',
    'NONE',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_MEMBER_ID',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  OffsetFetch: ['-1', '-1', '-1', '-1', '-1', '-1'],
  'DescribeGroups, version 6': [
    'GROUP_ID_NOT_FOUND Dead 0',
    'NONE Empty 0',
    'NONE PreparingRebalance 3',
    'NONE CompletingRebalance 2',
    'NONE Stable 2',
    'NONE Dead 0',
  ],
  ListGroups: ['', 'Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
  DeleteGroups: [
    'GROUP_ID_NOT_FOUND',
    'NONE',
    'NON_EMPTY_GROUP',
    'NON_EMPTY_GROUP',
    'NON_EMPTY_GROUP',
    'GROUP_ID_NOT_FOUND',
  ],
};

describe('what each request is answered in each state', () => {
  const cells = Object.entries(table).flatMap(([request, answers]) =>
    STATES.map((state, i) => [state, request, answers[i]!] as const),
  );

  it.each(cells)('%s: %s is answered %s', (state, request, answer) => {
    const scene = scenes[state]();
    if (state !== 'unknown') expect(scene.driver.state('g')).toBe(state);
    expect(requests[request]!(scene)).toBe(answer);
  });

  it('has a row for every request', () => {
    expect(Object.keys(table)).toEqual(Object.keys(requests));
    expect(ErrorCode.NONE).toBe(0);
  });
});
