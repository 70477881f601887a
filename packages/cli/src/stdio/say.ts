/** Writes a line for the user. Nobody reading it any more is no reason to stop. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes one JSON value on a line of its own. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Writes a line to standard error. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A reader that has gone away (EPIPE) ends nothing that goes on without it. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
