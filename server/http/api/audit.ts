import { z } from 'zod';
import { AUDIT_STEP, searchAudit, verifyAudit } from '../../licensing/audit/look.ts';
import type { AuditRow } from '../../licensing/audit/chain.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { orderBy, pageOf, pageQuery } from './paging.ts';
import { instant } from './wire.ts';

const entryView = z
  .strictObject({
    sequence: z.int(),
    at: instant,
    actor: z.string().meta({ description: 'A pseudonym: whose it is stands where it can be erased.' }),
    action: z.string(),
    subject: z.string(),
    details: z.record(z.string(), z.unknown()),
    previous: z.string(),
    hash: z.string().meta({ description: 'SHA-256 of the canonical JSON of the entry, with that of the one before.' }),
  })
  .meta({ id: 'AuditEntry' });

function entryJson(row: AuditRow): z.output<typeof entryView> {
  const { organization: _, details, ...rest } = row;
  return { ...rest, details: JSON.parse(details) as Record<string, unknown> };
}

const example = {
  sequence: 17,
  at: '2026-01-02T09:00:00.000Z',
  actor: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
  action: 'site.created',
  subject: 'site:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f04',
  details: { contract: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f02' },
  previous: '0'.repeat(64),
  hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
};

const name = z.string().min(1).max(255).optional();
const sequence = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const query = pageQuery.extend({
  order: orderBy(),
  after: sequence.optional().meta({ description: 'The `next` of the page before.' }),
  actor: name.meta({ description: 'e.g. `person:019a9b5e-…`' }),
  action: name.meta({ description: 'e.g. `site.created`' }),
  subject: name.meta({ description: 'e.g. `site:019a9b5e-…`' }),
  from: instant.optional(),
  to: instant.optional().meta({ description: 'The first instant that does not count any more.' }),
});

export const auditEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/audit',
    operation: 'listAudit',
    tag: 'Signals',
    summary: 'Search the audit log',
    description: `A page that was searched for looks at ${AUDIT_STEP.toLocaleString('en')} entries at most, so it may hold fewer than \`limit\`, or none, and yet have a \`next\`. A search by subject finds all at once.`,
    action: 'audit.read',
    query,
    status: 200,
    answer: pageOf(entryView),
    example: { answer: pageExample(example) },
    run({ principal, query: { limit, after, order, from, to, ...names } }, { licensing }) {
      return searchAudit(licensing, principal, {
        ...names,
        limit,
        after,
        newestFirst: order === 'newest',
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
      });
    },
    reply: ({ rows, next }) => ({
      body: { items: rows.map(entryJson), ...(next !== undefined && { next: String(next) }) },
      next: next === undefined ? undefined : String(next),
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/audit/verify',
    operation: 'verifyAudit',
    tag: 'Signals',
    summary: 'Check the hashes and links of the audit log',
    description:
      'Part by part: go on with `from` as `next` says until there is none. Who can write to the database can also write to this server; `licet audit` checks an export or a database without it, against heads that were noted elsewhere.',
    action: 'audit.read',
    body: z.strictObject({
      from: z.int().min(1).default(1).meta({ description: 'The entry to begin with, trusting those before.' }),
    }),
    status: 200,
    answer: z.strictObject({
      good: z.boolean(),
      checked: z.int(),
      finding: z.strictObject({ sequence: z.int(), code: z.string(), message: z.string() }).optional(),
      head: z.strictObject({ sequence: z.int(), hash: z.string() }).optional(),
      next: z.int().optional().meta({ description: 'Where to go on; absent at the end of the log.' }),
    }),
    example: { body: { from: 1 }, answer: { good: true, checked: 17, head: { sequence: 17, hash: example.hash } } },
    run: ({ principal, body: { from } }, { licensing }) => verifyAudit(licensing, principal, from),
    reply: ({ checked, finding, head, next }) => ({
      body: {
        good: finding === undefined,
        checked,
        ...(finding && { finding: { sequence: finding.sequence, code: finding.code, message: finding.message } }),
        ...(head && { head: { sequence: head.sequence, hash: head.hash } }),
        ...(next !== undefined && { next }),
      },
    }),
  }),
];
