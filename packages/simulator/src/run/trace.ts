import type { Logger } from '@ottla/runtime';
import { Digest } from '../node/digest';
import type { SimTime } from '../time/sim-time';

/** What happened, one line an event: virtual ms, who, what. The digest covers every line. */
export class Trace {
  private readonly digest = new Digest();

  constructor(
    private readonly time: SimTime,
    private readonly print: ((line: string) => void) | undefined,
  ) {}

  line(text: string): void {
    const line = `${this.time.now().toFixed(3).padStart(10)} ${text}`;
    this.digest.add(line);
    this.print?.(line);
  }

  hex(): string {
    return this.digest.hex();
  }

  /** A broker's log lines, from `info` on. `heard` sees each. */
  logger(who: string, heard: (message: string, fields?: Record<string, unknown>) => void): Logger {
    const write = (level: string, message: string, fields?: Record<string, unknown>): void => {
      this.line(`${who} ${level} ${message}${fields === undefined ? '' : printed(fields)}`);
      heard(message, fields);
    };
    const logger: Logger = {
      error: (message, fields) => write('error', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      info: (message, fields) => write('info', message, fields),
      debug: () => {},
      child: () => logger,
    };
    return logger;
  }
}

function printed(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}
