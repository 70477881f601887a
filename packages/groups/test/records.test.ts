import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../src';
import { readOffsetValue } from '../src/records/offset-commit';
import { bytes, Client, commitBody, Driver, stabilize } from './driver';

/** Bytes from hex, with spaces for the eye. */
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const asHex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

// Written out by hand from Kafka's message definitions: version, then the fields in order, big-endian.
const OFFSET_VALUES: [number, string, object][] = [
  [0, '0000 0000000000000007 0001 6d 0000000000000064', { offset: 7, metadata: 'm', commitTimestamp: 100 }],
  [1, '0001 0000000000000007 0001 6d 0000000000000064 00000000000003e8', { offset: 7, expireTimestamp: 1000 }],
  [2, '0002 0000000000000007 0001 6d 0000000000000064', { offset: 7, expireTimestamp: -1, leaderEpoch: -1 }],
  [3, '0003 0000000000000007 00000005 0001 6d 0000000000000064', { offset: 7, leaderEpoch: 5, commitTimestamp: 100 }],
  [4, '0004 0000000000000007 00000005 02 6d 0000000000000064 00', { offset: 7, leaderEpoch: 5, metadata: 'm' }],
];

const member = (between: string, rebalance: string): string =>
  `0001 61 ${between} 0001 63 0002 2f68 ${rebalance} 00002710 00000001 aa 00000002 bbcc`;

const GROUP_VALUES: [number, string, object][] = [
  [0, `0000 0001 74 00000003 0001 70 0001 61 00000001 ${member('', '')}`, { generation: 3, currentStateTimestamp: -1 }],
  [1, `0001 0001 74 00000003 0001 70 0001 61 00000001 ${member('', '00007530')}`, { generation: 3 }],
  [
    2,
    `0002 0001 74 00000003 0001 70 0001 61 0000000000000064 00000001 ${member('', '00007530')}`,
    { currentStateTimestamp: 100 },
  ],
  [
    3,
    `0003 0001 74 00000003 0001 70 0001 61 0000000000000064 00000001 ${member('0001 69', '00007530')}`,
    { leader: 'a', members: [expect.objectContaining({ groupInstanceId: 'i', rebalanceTimeout: 30_000 })] },
  ],
  [
    4,
    '0004 02 74 00000003 02 70 02 61 0000000000000064 02 02 61 02 69 02 63 03 2f68 00007530 00002710 02 aa 03 bbcc 00 00',
    { protocol: 'p', members: [expect.objectContaining({ memberId: 'a', assignment: hex('bbcc') })] },
  ],
];

describe('records of __consumer_offsets, as Kafka has them', () => {
  it.each(OFFSET_VALUES)('a committed offset of version %i is read, and written the same', (version, text, fields) => {
    const read = offsetCommitValue.read(hex(text));
    expect(read.version).toBe(version);
    expect(read.message).toMatchObject(fields);
    expect(asHex(offsetCommitValue.write(version, read.message))).toBe(asHex(hex(text)));
  });

  it.each(GROUP_VALUES)('a group of version %i is read, and written the same', (version, text, fields) => {
    const read = groupMetadataValue.read(hex(text));
    expect(read.version).toBe(version);
    expect(read.message).toMatchObject(fields);
    expect(asHex(groupMetadataValue.write(version, read.message))).toBe(asHex(hex(text)));
  });

  it('keys lead with the version that tells offsets (0, 1) and groups (2) apart', () => {
    const key = { group: 'g', topic: 't', partition: 9 };
    expect(asHex(offsetCommitKey.write(1, key))).toBe(asHex(hex('0001 0001 67 0001 74 00000009')));
    expect(offsetCommitKey.read(hex('0000 0001 67 0001 74 00000009')).message).toEqual(key);
    expect(asHex(groupMetadataKey.write(2, { group: 'g' }))).toBe(asHex(hex('0002 0001 67')));
  });

  it('a commit writes version 3, without metadata the empty string', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 7 }, { metadata: null }));
    expect(driver.log).toHaveLength(1);
    const { version, message } = offsetCommitValue.read(driver.log[0]!.value!);
    expect([version, message.metadata]).toEqual([3, '']);
    expect(readOffsetValue(driver.log[0]!.value!).expireTimestamp).toBeNull();
  });

  it('an assignment writes the whole generation in version 3', () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    stabilize(driver, [a]);
    const { version, message } = groupMetadataValue.read(driver.log[0]!.value!);
    expect(version).toBe(3);
    expect(message).toEqual({
      protocolType: 'consumer',
      generation: 1,
      protocol: 'range',
      leader: a.memberId,
      currentStateTimestamp: driver.now,
      members: [
        {
          memberId: a.memberId,
          groupInstanceId: null,
          clientId: 'a',
          clientHost: '/10.0.0.1',
          rebalanceTimeout: 30_000,
          sessionTimeout: 10_000,
          subscription: bytes('meta'),
          assignment: bytes('to a'),
        },
      ],
    });
  });
});

describe('the consumer protocol', () => {
  it('a subscription of a later version than known is read as the latest', () => {
    const message = {
      topics: ['t'],
      userData: null,
      ownedPartitions: [{ topic: 't', partitions: [1] }],
      generationId: 4,
      rackId: 'r',
    };
    const written = consumerProtocolSubscription.write(3, message);
    written[1] = 9;
    expect(consumerProtocolSubscription.read(Uint8Array.from([...written, 1, 2, 3])).message).toEqual(message);
  });

  it('an assignment is written as clients expect it', () => {
    const message = { assignedPartitions: [{ topic: 't', partitions: [0, 1] }], userData: null };
    expect(asHex(consumerProtocolAssignment.write(1, message))).toBe(
      asHex(hex('0001 00000001 0001 74 00000002 00000000 00000001 ffffffff')),
    );
  });
});
