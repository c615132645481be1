import { z } from 'zod';
import { filePath, port, seconds } from '../fields.ts';

export const webhooksSection = z
  .strictObject({
    privateHosts: z
      .array(z.union([z.hostname(), z.ipv4(), z.ipv6()]))
      .meta({ allowed: 'a list of host names and addresses' })
      .default([])
      .describe(
        'Hosts that webhooks may be sent to although their addresses are private, and by plain http:// as well; all ' +
          'others must be public and speak TLS.',
      ),
    ca: filePath()
      .optional()
      .describe('PEM file: the CAs that vouch for those hosts. Read at the start; without it the public CAs.'),
    timeoutSeconds: seconds(1, 60).default(15).describe('For a receiver to answer; then the delivery is tried again.'),
  })
  .prefault({})
  .describe('Events on their way to the webhooks of organizations. Which webhooks there are is data of each.');

const SECURITIES = ['tls', 'starttls', 'none'] as const;

const NEEDED = {
  from: 'is needed when mail.host is set',
  password: 'is needed when mail.user is set',
} as const;

export const mailSection = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe('The mail server that takes our mail (SMTP). Default: no mail is sent.'),
    port: port().default(587).describe('Its port: 587 for `starttls`, 465 for `tls`.'),
    security: z
      .enum(SECURITIES)
      .default('starttls')
      .describe(
        '`starttls` and `tls` never fall back to plain text; `none` is for a mail server on the same machine, and ' +
          'cannot sign in.',
      ),
    user: z.string().min(1).optional().describe('To sign in with. Default: without signing in.'),
    password: z.string().min(1).meta({ secret: true }).optional().describe('The password of that user.'),
    from: z.email().optional().describe('The address that the mail comes from.'),
    ca: filePath()
      .optional()
      .describe('PEM file: the CAs that vouch for the mail server. Read at the start; without it the public CAs.'),
  })
  .prefault({})
  .superRefine((value, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (value.host !== undefined && value.from === undefined) refuse('from', NEEDED.from);
    if (value.user !== undefined && value.password === undefined) refuse('password', NEEDED.password);
    if (value.user !== undefined && value.security === 'none') refuse('security', 'must not be none with mail.user');
  })
  .describe('Mail to people: what expires and ends, alerts, invitations. Who gets what is data of each organization.');
