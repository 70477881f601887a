/** What keeps a command from doing its work, in a sentence for its user. No stack trace is shown. */
export class CommandError extends Error {
  constructor(
    message: string,
    /** Exit code of the process, 1 to 255. */
    readonly exitCode: number = 1,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'CommandError';
  }
}
