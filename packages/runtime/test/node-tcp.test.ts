import net from 'node:net';
import { Deferred, nodeTcp, type TcpConnection } from '../src';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function pair(): Promise<{ server: TcpConnection; client: TcpConnection }> {
  const accepted = new Deferred<TcpConnection>();
  const listener = await nodeTcp.listen({ host: '127.0.0.1', port: 0 }, (connection) => accepted.resolve(connection));
  const client = await nodeTcp.connect('127.0.0.1', listener.port, 1000);
  const server = await accepted.promise;
  closers.push(() => listener.close());
  closers.push(() => client.destroy());
  return { server, client };
}

/** All that arrives until the other side ends. */
function collect(connection: TcpConnection): Promise<Buffer> {
  const done = new Deferred<Buffer>();
  const parts: Uint8Array[] = [];
  connection.handle({
    data: (bytes) => parts.push(bytes),
    end: () => done.resolve(Buffer.concat(parts)),
    close: (error) => (error === null ? done.resolve(Buffer.concat(parts)) : done.reject(error)),
  });
  return done.promise;
}

describe('connections', () => {
  it('bytes sent before the receiver listens are not lost, and chunks arrive in order', async () => {
    const { server, client } = await pair();
    const sent = new Deferred<void>();
    client.write([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')], () => sent.resolve());
    await sent.promise;
    client.end();
    expect((await collect(server)).toString()).toBe('one two three');
    expect(server.remotePort).toBe(client.localPort);
    expect(server.fd).toBeGreaterThan(0);
  });

  it('a client that has sent its last byte still gets the answer', async () => {
    const { server, client } = await pair();
    const answer = collect(client);
    server.handle({
      data: () => {},
      end: () => {
        server.write([Buffer.from('answer')]);
        server.end();
      },
      close: () => {},
    });
    client.write([Buffer.from('question')]);
    client.end();
    expect((await answer).toString()).toBe('answer');
  });

  it('more than the high-water mark says stop, and drain says when to go on', async () => {
    const { server, client } = await pair();
    const drained = new Deferred<void>();
    client.handle({ data: () => {}, drain: () => drained.resolve(), close: () => {} });
    const total = 32 << 20;
    expect(client.write([Buffer.alloc(total / 2, 1), Buffer.alloc(total / 2, 2)])).toBe(false);
    expect(client.bufferedBytes).toBeGreaterThan(0);
    let received = 0;
    const all = new Deferred<void>();
    server.handle({
      data: (bytes) => {
        received += bytes.length;
        if (received === total) all.resolve();
      },
      close: () => {},
    });
    await drained.promise;
    await all.promise;
  });

  it('a connection that the other side dropped is closed once, and writing to it does nothing', async () => {
    const { server, client } = await pair();
    const closed = new Deferred<Error | null>();
    let count = 0;
    server.handle({
      data: () => {},
      close: (error) => {
        count++;
        closed.resolve(error);
      },
    });
    client.destroy();
    expect(await closed.promise).toBeNull();
    expect(server.write([Buffer.from('to nobody')])).toBe(true);
    expect(count).toBe(1);
  });

  it('handlers given after the connection closed hear of it', async () => {
    const { server, client } = await pair();
    server.destroy();
    expect((await collect(client)).length).toBe(0);
    expect((await collect(server)).length).toBe(0);
  });
});

describe('listening', () => {
  it('on a port in use names the port and the way out', async () => {
    const listener = await nodeTcp.listen({ host: '127.0.0.1', port: 0 }, () => {});
    closers.push(() => listener.close());
    await expect(nodeTcp.listen({ host: '127.0.0.1', port: listener.port }, () => {})).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: `port ${listener.port} on 127.0.0.1 is in use; stop what listens there or choose another port`,
    });
  });

  it('on an address that is not ours says so', async () => {
    await expect(nodeTcp.listen({ host: '203.0.113.1', port: 0 }, () => {})).rejects.toThrow(
      /is not an address of this/,
    );
  });

  it('closed, open connections end and the port is free', async () => {
    const listener = await nodeTcp.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const client = await nodeTcp.connect('127.0.0.1', listener.port, 1000);
    const ended = collect(client);
    await listener.close();
    expect((await ended).length).toBe(0);
    expect(await nodeTcp.probe('127.0.0.1', listener.port, 1000)).toBe('refused');
    client.destroy();
  });
});

describe('probing', () => {
  it('an open port, a refused one, and one that does not answer', async () => {
    const listener = await nodeTcp.listen({ host: '127.0.0.1', port: 0 }, () => {});
    closers.push(() => listener.close());
    expect(await nodeTcp.probe('127.0.0.1', listener.port, 1000)).toBe('open');
    const free = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as net.AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    expect(await nodeTcp.probe('127.0.0.1', port, 1000)).toBe('refused');
    await expect(nodeTcp.connect('127.0.0.1', port, 1000)).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION' });
    // A host that drops packets: the connection neither opens nor fails.
    const never = jest.spyOn(net, 'connect').mockImplementation(() => new net.Socket());
    expect(await nodeTcp.probe('192.0.2.1', 9092, 20)).toBe('silent');
    await expect(nodeTcp.connect('192.0.2.1', 9092, 20)).rejects.toThrow(/192.0.2.1:9092: no answer within 20 ms/);
    never.mockRestore();
  });
});
