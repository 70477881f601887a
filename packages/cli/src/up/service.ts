import { CommandError } from '../command-error';
import { complain } from '../stdio/say';
import { Stop, type StopSignal } from './stop';
import { type Supervisor, supervisor } from './supervised';

/** Something that serves until it is closed. */
export interface Service {
  /** Settles, with the reason, when it can't go on. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

/** Of the signals that the terminal, or a service manager, sends to all processes of `ottla up`. */
const LEFT_TO_PARENT: Readonly<Record<'broker' | 'store', readonly StopSignal[]>> = {
  broker: ['SIGINT', 'SIGHUP'],
  // Brokers hand over through the store, so it must outlive them.
  store: ['SIGINT', 'SIGHUP', 'SIGTERM'],
};

/**
 * Runs a service until a signal, its own failure, or the word of `ottla up`, and closes it in order. A second signal ends
 * the process at once. Answers the exit code.
 */
export async function runService(
  kind: 'broker' | 'store',
  isSupervised: boolean,
  start: () => Promise<Service>,
): Promise<number> {
  const parent = isSupervised ? supervisor() : null;
  const stop = new Stop({ ignore: isSupervised ? LEFT_TO_PARENT[kind] : [] });
  stop.onImpatience(() => process.exit(130));
  const told = Promise.race([stop.asked, ...(parent === null ? [] : [parent.stop])]);
  try {
    const begun = await Promise.race([parent?.begin.then(() => true) ?? true, told.then(() => false)]);
    return begun ? await serve(start, told, parent) : 0;
  } catch (error) {
    await parent?.tell({ type: 'failed', message: sentence(error) });
    throw error;
  } finally {
    stop.close();
    parent?.release();
  }
}

async function serve(start: () => Promise<Service>, told: Promise<void>, parent: Supervisor | null): Promise<number> {
  const service = await start();
  await parent?.tell({ type: 'serving' });
  const failure = await Promise.race([told.then(() => null), service.failed]);
  if (failure !== null) {
    complain(`can't go on: ${failure.message}`);
    await parent?.tell({ type: 'failed', message: sentence(failure) });
  }
  await service.close();
  return failure === null ? 0 : 1;
}

/** An unexpected error is told with its stack, which the log of the process has too. */
function sentence(error: unknown): string {
  const isExpected = error instanceof CommandError || (error as { code?: unknown } | null)?.code !== undefined;
  return isExpected ? (error as Error).message : ((error as Error)?.stack ?? String(error));
}
