import { connect } from 'node:net';
import type { Clock, PeerAddress, ProbeResult } from '@ottla/runtime';

/**
 * Connects and closes. A reset counts as refused: something answered, and nobody serves there. An address that can't be
 * reached at all counts as silent.
 */
export function probe({ host, port }: PeerAddress, timeoutMs: number, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = clock.after(timeoutMs, () => settle('silent'));
    const settle = (result: ProbeResult): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle('open'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused' : 'silent'),
    );
  });
}
