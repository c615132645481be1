import { z } from 'zod';
import { dataSection } from './sections/data.ts';
import { databaseSection } from './sections/database.ts';
import { httpSection } from './sections/http.ts';
import { logSection } from './sections/log.ts';
import { operationsSection } from './sections/operations.ts';

/** The configuration: one section, one file. docs/configuration.md is made from this (`npm run docs:config`). */
export const schema = z.strictObject({
  data: dataSection,
  database: databaseSection,
  http: httpSection,
  operations: operationsSection,
  log: logSection,
});

export type Config = z.output<typeof schema>;
