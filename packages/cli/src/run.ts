import { CommandError } from './command-error';
import { program } from './program';
import { complain, ignoreBrokenPipes } from './stdio/say';

declare const __OTTLA_VERSION__: string | undefined;

/** Runs the command line `argv` (as in `process.argv`) and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  ignoreBrokenPipes();
  try {
    await program(VERSION, (exitCode) => {
      process.exitCode = exitCode;
    }).parseAsync(argv);
  } catch (error) {
    complain(`ottla: ${describe(error)}`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  }
}

const VERSION = typeof __OTTLA_VERSION__ === 'string' ? __OTTLA_VERSION__ : '0.1.0';

/** An error that was foreseen is a sentence; any other is shown with where it came from. */
function describe(error: unknown): string {
  const isForeseen = error instanceof CommandError || (error as { name?: unknown } | null)?.name === 'OttlaError';
  if (isForeseen || hasErrorCode(error)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function hasErrorCode(error: unknown): boolean {
  return typeof (error as { errorCode?: unknown } | null)?.errorCode === 'number';
}
