import type { Migration } from './migration.ts';
import { roles } from './0001-roles.ts';

/** In the order in which they run. Append only. */
export const migrations: readonly Migration[] = [roles];
