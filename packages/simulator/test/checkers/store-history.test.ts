import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type ControllerClaim,
  controllerClaimCodec,
  type KeyValue,
  keysFor,
  partitionRecordCodec,
  type WatchEvent,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { StoreHistory } from '../../src/checkers/store/store-history';

const keys = keysFor('sim');
const TOPIC = 'topic-a';

const registration = (broker: number, changes: Partial<BrokerRegistration> = {}): BrokerRegistration => ({
  version: 1,
  broker,
  run: `run-${broker}`,
  logIds: [`log-${broker}`],
  state: 'active',
  rack: null,
  kafka: [],
  grpc: { host: 'h', port: 1 },
  peer: { host: 'h', port: 2 },
  startedAt: 0,
  ...changes,
});

const claim = (broker: number, epoch: number): ControllerClaim => ({ version: 1, broker, run: `run-${broker}`, epoch });
const replica = (broker: number, logId = `log-${broker}`) => ({ broker, logId });

const record = (changes: Partial<PartitionRecord> = {}): PartitionRecord => ({
  version: 1,
  replicas: [1, 2, 3],
  adding: [],
  removing: [],
  leader: { broker: 1, run: 'run-1' },
  leaderEpoch: 5,
  isr: [replica(1), replica(2)],
  elr: [],
  minIsr: 2,
  lastKnownLeader: replica(1),
  unclean: false,
  ...changes,
});

/** A store with brokers 1 to 3, of which 3 is the controller in epoch 4, and one partition. */
class Store {
  readonly history = new StoreHistory('sim');
  private readonly kvs = new Map<string, KeyValue>();
  private revision = 0;

  constructor() {
    for (const broker of [1, 2, 3]) this.put(keys.broker(broker), brokerRegistrationCodec.encode(registration(broker)));
    this.put(keys.controller(), controllerClaimCodec.encode(claim(3, 4)));
    this.put(keys.partition(TOPIC, 0), partitionRecordCodec.encode(record()));
  }

  put(key: string, value: Uint8Array, writer: number | null = 3, lease = '7'): string[] {
    const revision = ++this.revision;
    const createRevision = this.kvs.get(key)?.createRevision ?? revision;
    const kv = { key, value, createRevision, modRevision: revision, version: 1, lease };
    this.kvs.set(key, kv);
    return this.commit(writer, { type: 'put', key, kv });
  }

  delete(key: string, writer: number | null): string[] {
    this.kvs.delete(key);
    return this.commit(writer, { type: 'delete', key, modRevision: ++this.revision });
  }

  register(changes: Partial<BrokerRegistration> & { broker: number }, lease?: string): string[] {
    const value = brokerRegistrationCodec.encode(registration(changes.broker, changes));
    return this.put(keys.broker(changes.broker), value, changes.broker, lease);
  }

  claim(broker: number, epoch: number): string[] {
    return this.put(keys.controller(), controllerClaimCodec.encode(claim(broker, epoch)), broker);
  }

  write(changes: Partial<PartitionRecord>, writer: number): string[] {
    return this.put(keys.partition(TOPIC, 0), partitionRecordCodec.encode(record(changes)), writer);
  }

  /** Deletes the claim and its holder's registration as one revision. */
  depose(writer: number): string[] {
    const modRevision = ++this.revision;
    const [controller, broker] = [keys.controller(), keys.broker(3)];
    const events = [controller, broker].map((key) => ({ type: 'delete' as const, key, modRevision }));
    return this.commit(writer, ...events);
  }

  private commit(writer: number | null, ...events: WatchEvent[]): string[] {
    const found = this.history.onRevision({ at: 10, revision: this.revision, writer, events });
    return found.map(({ invariant, message }) => `${invariant}: ${message}`);
  }
}

const elected = (broker: number, changes: Partial<PartitionRecord> = {}): Partial<PartitionRecord> => ({
  leader: { broker, run: `run-${broker}` },
  leaderEpoch: 6,
  ...changes,
});

type Step = (store: Store) => string[];

describe('histories of the store that are in order', () => {
  const ordinary: [string, Step[]][] = [
    ['the controller elects another member of the ISR', [(s) => s.write(elected(2), 3)]],
    [
      'the leader adds a replica with the log that is registered',
      [(s) => s.write({ isr: [1, 2, 3].map((b) => replica(b)) }, 1)],
    ],
    [
      'the leader shrinks the ISR, and the one who left stays eligible',
      [(s) => s.write({ isr: [replica(1)], elr: [replica(2)] }, 1)],
    ],
    ['a leader resigns', [(s) => s.write({ leader: null, isr: [replica(2)] }, 1)]],
    [
      'a registration goes with its lease, and is created anew',
      [(s) => s.delete(keys.broker(2), null), (s) => s.register({ broker: 2, run: 'run-b' })],
    ],
    ['the controller fences a broker', [(s) => s.delete(keys.broker(2), 3)]],
    ['a broker removes what its predecessor left', [(s) => s.delete(keys.broker(2), 2)]],
    ['whoever deposes the controller removes its registration as well', [(s) => s.depose(1), (s) => s.claim(1, 5)]],
    ['any broker carries out the election of a preferred leader', [(s) => s.write(elected(2), 1)]],
    ['a broker begins to drain', [(s) => s.register({ broker: 2, state: 'draining' })]],
    ['a claim is deleted, then made in the next epoch', [(s) => s.delete(keys.controller(), 1), (s) => s.claim(1, 5)]],
    [
      'an eligible leader is elected',
      [
        (s) => s.write({ isr: [replica(1)], elr: [replica(2)] }, 1),
        (s) => s.write(elected(2, { isr: [replica(2)], elr: [replica(1)] }), 3),
      ],
    ],
    ['an unclean election takes anybody', [(s) => s.write(elected(3, { isr: [replica(3)], unclean: true }), 3)]],
  ];

  it.each(ordinary)('%s', (_name, steps) => {
    const store = new Store();
    for (const step of steps) expect(step(store)).toEqual([]);
  });

  it('after a restore the older claim and records are where it goes on from', () => {
    const store = new Store();
    const kv = {
      key: keys.controller(),
      value: controllerClaimCodec.encode(claim(1, 2)),
      createRevision: 1,
      modRevision: 1,
      version: 1,
      lease: '1',
    };
    store.history.onRestored([kv]);
    store.delete(keys.controller(), null);
    expect(store.claim(2, 3)).toEqual([]);
  });
});

describe('histories of the store that break an invariant', () => {
  const broken: [string, string, Step[]][] = [
    ['a claim is put over a live one', '1 one controller: .*put its claim over', [(s) => s.claim(1, 5)]],
    [
      'a controller epoch is used twice',
      '7 controller epoch: .*claims controller epoch 4, and there was 4',
      [(s) => s.delete(keys.controller(), null), (s) => s.claim(1, 4)],
    ],
    [
      'a registration is put over by another run',
      '1 one leader: .*was put over, by run run-b',
      [(s) => s.register({ broker: 2, run: 'run-b' })],
    ],
    [
      'a registration is put over under another lease',
      '1 one leader: .*with lease 8',
      [(s) => s.register({ broker: 2 }, '8')],
    ],
    [
      'somebody who is not the controller fences a broker',
      '1 one leader: .*deleted by broker 1, not the controller',
      [(s) => s.delete(keys.broker(2), 1)],
    ],
    [
      'somebody who is not the controller elects',
      '1 one controller: .*broker 2 began leader epoch 6, and broker 3 is',
      [(s) => s.delete(keys.broker(1), null), (s) => s.write(elected(2), 2)],
    ],
    [
      'a deposed controller elects',
      '1 one controller: .*nobody is the controller',
      [(s) => s.delete(keys.broker(1), null), (s) => s.delete(keys.controller(), 1), (s) => s.write(elected(2), 3)],
    ],
    ['the leader epoch goes back', '1 one leader: .*went back from 5 to 4', [(s) => s.write({ leaderEpoch: 4 }, 3)]],
    [
      'an epoch is given to another broker',
      '1 one leader: .*given out twice',
      [(s) => s.write({ leader: { broker: 2, run: 'run-2' } }, 3)],
    ],
    [
      'an epoch is given to another run',
      '1 one leader: .*given out twice',
      [(s) => s.write({ leader: { broker: 1, run: 'run-b' } }, 3)],
    ],
    [
      'an epoch whose leader resigned is given out',
      '1 one leader: .*given out twice',
      [(s) => s.write({ leader: null }, 1), (s) => s.write({}, 3)],
    ],
    [
      'the ISR lacks the leader',
      '6 in sync: .*lacks the leader 1',
      [(s) => s.write({ isr: [replica(2), replica(3)] }, 1)],
    ],
    [
      'a draining broker is added',
      '6 in sync: .*broker 3 .*is draining',
      [
        (s) => s.register({ broker: 3, state: 'draining' }),
        (s) => s.write({ isr: [1, 2, 3].map((b) => replica(b)) }, 1),
      ],
    ],
    [
      'a broker that is gone is added',
      '6 in sync: .*is not registered',
      [(s) => s.delete(keys.broker(3), null), (s) => s.write({ isr: [1, 2, 3].map((b) => replica(b)) }, 1)],
    ],
    [
      'a broker is added with a log that it lost',
      '6 in sync: .*with log log-old came into the ISR',
      [(s) => s.write({ isr: [replica(1), replica(2), replica(3, 'log-old')] }, 1)],
    ],
    [
      'a leader that was fenced shrinks the ISR',
      '6 in sync: .*without being registered',
      [(s) => s.delete(keys.broker(1), 3), (s) => s.write({ isr: [replica(1)], elr: [replica(2)] }, 1)],
    ],
    [
      'there are eligible leaders at the minimum',
      '6 in sync: .*eligible leaders: \\[3\\]',
      [(s) => s.write({ elr: [replica(3)] }, 1)],
    ],
    ['ISR and ELR overlap', '6 in sync: .*overlap', [(s) => s.write({ isr: [replica(1)], elr: [replica(1)] }, 1)]],
    [
      'eligible leaders outlive a change of the minimum',
      '6 in sync: .*minimum went from 2 to 3',
      [
        (s) => s.write({ isr: [replica(1)], elr: [replica(2)] }, 1),
        (s) => s.write({ isr: [replica(1)], elr: [replica(2)], minIsr: 3 }, 3),
      ],
    ],
    [
      'a broker is elected in a run that is over',
      '1 one leader: .*was elected, and is registered in run run-2',
      [(s) => s.write(elected(2, { leader: { broker: 2, run: 'run-0' } }), 3)],
    ],
    [
      'a broker is elected for a log that it lost',
      '3 acknowledged: .*was elected for its log log-2',
      [(s) => s.register({ broker: 2, logIds: ['log-new'] }), (s) => s.write(elected(2), 3)],
    ],
    [
      'a broker is elected that was not in sync',
      '3 acknowledged: .*was in neither ISR \\[1, 2\\] nor ELR',
      [(s) => s.write(elected(3, { isr: [replica(3)] }), 3)],
    ],
  ];

  it.each(broken)('%s', (_name, told, steps) => {
    const store = new Store();
    for (const step of steps.slice(0, -1)) expect(step(store)).toEqual([]);
    expect(steps.at(-1)!(store).join('\n')).toMatch(new RegExp(told));
  });
});
