import { randomBytes } from 'node:crypto';

import type { DatabaseDependencies } from '../database.ts';

/** A fixed instant, real randomness, and a log that keeps what it was told. */
export function testDependencies(): DatabaseDependencies & { logged: { level: string; message: string }[] } {
  const logged: { level: string; message: string }[] = [];
  const at = (level: string) => (_fields: object, message: string) => void logged.push({ level, message });
  return {
    clock: { now: () => new Date('2026-11-21T00:00:00Z') },
    random: { bytes: (length) => randomBytes(length) },
    log: { info: at('info'), warn: at('warn'), error: at('error') },
    logged,
  };
}
