import { pino } from 'pino';
import type { Clock } from '../licensing/ports/clock.ts';
import { allowed, type LogFields, scrubber } from './fields.ts';
import { textLine } from './text.ts';

export type { LogFields } from './fields.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** In the order of pino. `message` is a constant; what varies goes into the fields, of which only the named are written. */
export type Log = {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same log with fields that each line gets. */
  with(fields: LogFields): Log;
  isOn(level: LogLevel): boolean;
};

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly clock: Clock;
  /** Gets whole lines. */
  readonly write: (line: string) => void;
  readonly secrets?: readonly string[];
};

export function createLog({ level, format, clock, write, secrets = [] }: LogOptions): Log {
  const scrub = scrubber(secrets);
  const sink = { write: format === 'text' ? (line: string) => write(textLine(line)) : write };
  const logger = pino(
    {
      level,
      messageKey: 'message',
      base: null,
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      // What arrives is already what allowed() made of it; pino would rebuild "err" and lose the causes.
      serializers: { err: (record: unknown) => record },
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  const wrap = (always: LogFields): Log => {
    const at = (name: LogLevel) => (fields: LogFields, message: string) => {
      if (!logger.isLevelEnabled(name)) return;
      logger[name](allowed({ ...always, ...fields }, scrub), scrub(message));
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => wrap({ ...always, ...fields }),
      isOn: (name) => logger.isLevelEnabled(name),
    };
  };
  return wrap({});
}
