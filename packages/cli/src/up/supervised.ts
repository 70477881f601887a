import { CommandError } from '../command-error';
import type { FromChild, ToChild } from './ipc';

/** The side of a child that `ottla up` has started. */
export interface Supervisor {
  /** Resolves when the child is told to begin. */
  readonly begin: Promise<void>;
  /** Resolves when the child is told to stop. */
  readonly stop: Promise<void>;
  tell(message: FromChild): Promise<void>;
  /** Lets the process end. */
  release(): void;
}

/**
 * Ties this process to the one that started it: when that one is gone, even by kill -9, the channel closes and this one
 * exits at once. What was acknowledged is safe, since the data directory outlives a crash by design.
 */
export function supervisor(): Supervisor {
  if (process.send === undefined || !process.connected) {
    throw new CommandError('--supervised is for the children of `ottla up`');
  }
  process.on('disconnect', () => process.exit(1));
  const told = (type: ToChild['type']): Promise<void> =>
    new Promise((resolve) => {
      process.on('message', (message: ToChild) => {
        if (message.type === type) resolve();
      });
    });
  return {
    begin: told('start'),
    stop: told('stop'),
    tell: (message) =>
      new Promise((resolve) => {
        process.send!(message, () => resolve());
      }),
    release: () => {
      process.removeAllListeners('disconnect');
      if (process.connected) process.disconnect();
    },
  };
}
