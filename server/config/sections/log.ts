import { z } from 'zod';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'json', 'text'] as const;

export const logSection = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('The least serious line that is written.'),
    format: z
      .enum(LOG_FORMATS)
      .default('auto')
      .describe('`auto` is text on a terminal and JSON lines everywhere else.'),
  })
  .prefault({})
  .describe('The log, on standard output.');
