import { apis } from '@ottla/protocol';
import { ManualClock } from '@ottla/runtime';
import { WireConnection } from '../../src/workload/wire/wire-connection';
import { FakeBroker, settle } from './fake-broker';

const HEARTBEAT = { groupId: 'g', generationId: 1, memberId: 'm' };
const ADDRESS = { host: 'b1', port: 9092 };

async function open(broker: FakeBroker): Promise<{ connection: WireConnection; clock: ManualClock }> {
  const clock = new ManualClock();
  const connection = await WireConnection.open(broker, ADDRESS, { id: 'c', clock, timeoutMs: 100 });
  return { connection, clock };
}

const beat = (connection: WireConnection, timeoutMs = 50) => connection.ask(apis.Heartbeat, 4, HEARTBEAT, timeoutMs);

describe('wire connection', () => {
  it('several requests are answered in their order, and no timer is left', async () => {
    let code = 0;
    const { connection, clock } = await open(new FakeBroker({ Heartbeat: () => ({ errorCode: code++ }) }));
    const answers = await Promise.all([beat(connection), beat(connection), beat(connection)]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([0, 1, 2]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('an answer in pieces is put together', async () => {
    const broker = new FakeBroker({});
    const { connection } = await open(broker);
    const asked = beat(connection);
    await settle();
    const answer = new Uint8Array([0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 27, 0]);
    for (const byte of answer) broker.connections[0]!.deliver(new Uint8Array([byte]));
    expect((await asked).errorCode).toBe(27);
  });

  it('a late answer ends the connection, and with it everything that waits', async () => {
    const { connection, clock } = await open(new FakeBroker({}));
    const asked = [beat(connection, 50), beat(connection, 500)].map((answer) => answer.catch(({ code }) => code));
    await settle();
    clock.advance(60);
    expect(await Promise.all(asked)).toEqual(['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT']);
    expect(connection.isOpen).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('a connection that breaks fails what waits and what comes', async () => {
    const broker = new FakeBroker({});
    const { connection } = await open(broker);
    const asked = beat(connection).catch(({ code }) => code);
    await settle();
    broker.connections[0]!.reset();
    expect(await asked).toBe('NETWORK_EXCEPTION');
    await expect(beat(connection)).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION' });
  });

  it('an answer that nobody waits for ends the connection', async () => {
    const broker = new FakeBroker({});
    const { connection } = await open(broker);
    broker.connections[0]!.deliver(new Uint8Array([0, 0, 0, 4, 0, 0, 0, 9]));
    expect(connection.isOpen).toBe(false);
  });
});
