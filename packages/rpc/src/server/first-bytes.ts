import type { Socket } from 'node:net';
import type { Clock } from '@ottla/runtime';

const ENOUGH = 4;

/**
 * Gives a new connection's first bytes, four at least, and leaves the socket without listeners. A connection that says
 * too little in time, or ends, is destroyed.
 */
export function readFirstBytes(
  socket: Socket,
  clock: Clock,
  timeoutMs: number,
  callback: (bytes: Uint8Array) => void,
): void {
  const timer = clock.after(timeoutMs, () => socket.destroy());
  let read: Uint8Array = new Uint8Array(0);
  const onReadable = (): void => {
    const bytes: Uint8Array | null = socket.read();
    if (bytes === null) return;
    read = read.length === 0 ? bytes : Buffer.concat([read, bytes]);
    if (read.length < ENOUGH) return;
    settle();
    callback(read);
  };
  const onEnd = (): void => {
    settle();
    socket.destroy();
  };
  const settle = (): void => {
    timer.cancel();
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', settle);
  };
  socket.on('readable', onReadable);
  socket.on('end', onEnd);
  socket.on('close', settle);
}
