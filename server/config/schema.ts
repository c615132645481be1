import { z } from 'zod';
import { accessSection } from './sections/access.ts';
import { authoritySection } from './sections/authority.ts';
import { dataSection } from './sections/data.ts';
import { databaseSection } from './sections/database.ts';
import { estSection, identitiesSection } from './sections/est.ts';
import { httpSection } from './sections/http.ts';
import { logSection } from './sections/log.ts';
import { mailSection, webhooksSection } from './sections/notices.ts';
import { operationsSection } from './sections/operations.ts';
import { retentionSection } from './sections/retention.ts';
import { signerSection } from './sections/signer.ts';

/** The configuration: one section, one file. docs/configuration.md is made from this (`npm run docs:config`). */
export const schema = z.strictObject({
  data: dataSection,
  database: databaseSection,
  http: httpSection,
  access: accessSection,
  est: estSection,
  identities: identitiesSection,
  webhooks: webhooksSection,
  mail: mailSection,
  authority: authoritySection,
  signer: signerSection,
  retention: retentionSection,
  operations: operationsSection,
  log: logSection,
});

export type Config = z.output<typeof schema>;
