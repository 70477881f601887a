import { errorName } from '@ottla/protocol';
import { bytes, Client, commitBody, Driver, stabilize } from './driver';

function threeGroups(): Driver {
  const driver = new Driver();
  stabilize(driver, [new Client(driver, 'a', { groupId: 'stable' })]);
  new Client(driver, 'b', { groupId: 'joining', protocolType: 'connect' }).join();
  driver.call('OffsetCommit', commitBody({ t: 1 }, { groupId: 'simple' }));
  return driver;
}

describe('ListGroups', () => {
  it.each([
    ['no filter', [], [], ['stable', 'joining', 'simple']],
    ['states, in any case', ['STABLE', ' empty '], [], ['stable', 'simple']],
    ['a state that is none', ['nonsense'], [], []],
    ['the type that there is', [], ['Classic'], ['stable', 'joining', 'simple']],
    ['another type', [], ['consumer'], []],
    ['a type that is none', [], ['nonsense'], []],
  ])('with %s', (_what, statesFilter, typesFilter, listed) => {
    const { groups } = threeGroups().call('ListGroups', { statesFilter, typesFilter });
    expect(groups.map(({ groupId }) => groupId)).toEqual(listed);
  });

  it('says type of protocol, state and type of group', () => {
    expect(threeGroups().call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([
      { groupId: 'stable', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
      { groupId: 'joining', protocolType: 'connect', groupState: 'PreparingRebalance', groupType: 'classic' },
      { groupId: 'simple', protocolType: '', groupState: 'Empty', groupType: 'classic' },
    ]);
  });
});

describe('DescribeGroups', () => {
  it('a stable group: protocol, and each member with metadata and assignment', () => {
    const driver = new Driver();
    const a = new Client(driver, 'a', { groupInstanceId: 'i' });
    stabilize(driver, [a]);
    expect(driver.describe('g')).toEqual({
      errorCode: 0,
      errorMessage: null,
      groupId: 'g',
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId: a.memberId,
          groupInstanceId: 'i',
          clientId: 'a',
          clientHost: '/10.0.0.1',
          memberMetadata: bytes('meta'),
          memberAssignment: bytes('to a'),
        },
      ],
    });
  });

  it('a group that rebalances: members without metadata, no protocol', () => {
    const described = threeGroups().describe('joining');
    expect(described).toMatchObject({ groupState: 'PreparingRebalance', protocolType: 'connect', protocolData: '' });
    expect(described.members[0]!.memberMetadata).toEqual(new Uint8Array(0));
  });

  it.each([
    [5, 'NONE', null],
    [6, 'GROUP_ID_NOT_FOUND', 'Group nobody not found.'],
  ])('a group that is not there, in version %i: Dead, %s', (version, error, message) => {
    const answer = new Driver().call(
      'DescribeGroups',
      { groups: ['nobody'], includeAuthorizedOperations: false },
      { version },
    ).groups[0]!;
    expect([errorName(answer.errorCode), answer.groupState, answer.errorMessage]).toEqual([error, 'Dead', message]);
  });
});
