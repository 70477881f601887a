import { Output, OutputClosedError } from '../src/stdio/output';

/** A file descriptor that takes what the test lets it take. */
class Pipe {
  readonly written: Buffer[] = [];
  readonly calls: { take(count?: number): void; fail(code: string): void }[] = [];

  readonly write = (
    _fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    _position: null,
    callback: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void => {
    this.calls.push({
      take: (count = length) => {
        this.written.push(Buffer.from(bytes.subarray(offset, offset + count)));
        callback(null, count);
      },
      fail: (code) => callback(Object.assign(new Error(code), { code }), 0),
    });
  };

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('Output', () => {
  it('writes what comes in one turn in one piece, in order', async () => {
    const pipe = new Pipe();
    const output = new Output(1, 100, pipe.write);
    expect(output.write(bytes('a'))).toBeNull();
    expect(output.write(bytes('b'))).toBeNull();
    await turn();
    expect(pipe.calls).toHaveLength(1);
    pipe.calls[0]!.take();
    await output.flush();
    expect(pipe.text).toBe('ab');
  });

  it('goes on after a short write', async () => {
    const pipe = new Pipe();
    const output = new Output(1, 100, pipe.write);
    output.write(bytes('abcdef'));
    await turn();
    pipe.calls[0]!.take(2);
    await turn();
    pipe.calls[1]!.take();
    await output.flush();
    expect(pipe.text).toBe('abcdef');
  });

  it('makes the writer wait when the reader is slow', async () => {
    const pipe = new Pipe();
    const output = new Output(1, 4, pipe.write);
    const room = output.write(bytes('12345'));
    let hasRoom = false;
    void room!.then(() => {
      hasRoom = true;
    });
    await turn();
    expect(hasRoom).toBe(false);
    pipe.calls[0]!.take();
    await turn();
    expect(hasRoom).toBe(true);
  });

  it('tries again when a non-blocking pipe is full', async () => {
    const pipe = new Pipe();
    const output = new Output(1, 100, pipe.write);
    output.write(bytes('a'));
    await turn();
    pipe.calls[0]!.fail('EAGAIN');
    while (pipe.calls.length < 2) await turn();
    pipe.calls[1]!.take();
    await output.flush();
    expect(pipe.text).toBe('a');
  });

  it('a reader that has gone ends it, at the next write at the latest', async () => {
    const pipe = new Pipe();
    const output = new Output(1, 100, pipe.write);
    output.write(bytes('a'));
    await turn();
    pipe.calls[0]!.fail('EPIPE');
    await expect(output.flush()).rejects.toThrow(OutputClosedError);
    expect(() => output.write(bytes('b'))).toThrow(OutputClosedError);
  });
});
