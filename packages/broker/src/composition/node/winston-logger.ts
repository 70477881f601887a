import type { Logger } from '@ottla/runtime';
import type { Logger as WinstonLogger } from 'winston';

export interface LogSettings {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly format: 'text' | 'json';
  readonly fields: Record<string, unknown>;
}

/** The broker's logger: lines on standard error. winston is loaded when the first line is written. */
export function createLogger(settings: LogSettings): Logger {
  let root: WinstonLogger | null = null;
  return wrap(() => {
    root ??= createRoot(settings);
    return root;
  }, settings);
}

const SEVERITY = { error: 0, warn: 1, info: 2, debug: 3 } as const;

function wrap(get: () => WinstonLogger, settings: LogSettings): Logger {
  const write = (level: keyof typeof SEVERITY, message: string, fields?: Record<string, unknown>): void => {
    if (SEVERITY[level] > SEVERITY[settings.level]) return;
    get().log(level, message, { ...settings.fields, ...fields });
  };
  return {
    error: (message, fields) => write('error', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
    child: (fields) => wrap(get, { ...settings, fields: { ...settings.fields, ...fields } }),
  };
}

function createRoot(settings: LogSettings): WinstonLogger {
  const winston: typeof import('winston') = require('winston');
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(
    ({ timestamp: at, level, message, ...fields }) => `${at} ${level.padEnd(5)} ${message}${suffix(fields)}`,
  );
  return winston.createLogger({
    level: settings.level,
    format: settings.format === 'json' ? combine(timestamp(), json()) : combine(timestamp(), text),
    transports: [new winston.transports.Stream({ stream: process.stderr })],
  });
}

function suffix(fields: Record<string, unknown>): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? '' : ` ${pairs.map(([name, value]) => `${name}=${printed(value)}`).join(' ')}`;
}

function printed(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
