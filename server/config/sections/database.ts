import { z } from 'zod';
import { filePath, seconds } from '../fields.ts';

const postgresUrl = () =>
  z
    .string()
    .regex(/^postgres(ql)?:\/\//)
    .meta({ secret: true, allowed: 'a URL such as postgres://user:password@host:5432/name' });

const TLS_MODES = ['disable', 'require', 'verify-full'] as const;

export const databaseSection = z
  .strictObject({
    url: postgresUrl()
      .optional()
      .describe(
        'The PostgreSQL (15 or newer) to use. Without it the embedded database in `data.folder` is used. ' +
          'The variable `DATABASE_URL` is read too.',
      ),
    migrationUrl: postgresUrl()
      .optional()
      .describe('Another login for migrations, so that the serving one cannot change tables. Default: `database.url`.'),
    poolSize: z.int().min(1).max(100).default(20).describe('How many PostgreSQL connections one server process opens.'),
    statementSeconds: seconds(0.1, 600).default(5).describe('PostgreSQL ends a statement that runs longer.'),
    lockSeconds: seconds(0.1, 600).default(2).describe('PostgreSQL ends a statement that waits longer for a lock.'),
    tls: z
      .enum(TLS_MODES)
      .default('disable')
      .describe(
        'TLS to PostgreSQL: `verify-full` checks certificate and host name, `require` encrypts without checking, ' +
          '`disable` is for a private link or a socket.',
      ),
    tlsCa: filePath()
      .optional()
      .describe('The PEM file of the certificates that `verify-full` trusts. Default: those of Node.'),
  })
  .prefault({})
  .describe('The database: PostgreSQL by URL, or else the embedded one.');
