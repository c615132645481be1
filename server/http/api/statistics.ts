import { MODES } from '@licet/format';
import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { found } from '../../licensing/entities.ts';
import { aggregateUsage, reportUsage } from '../../licensing/usage/usage.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { ids } from './examples.ts';
import { instant } from './wire.ts';

const amounts = z.record(z.string(), z.int());

const aggregate = z.strictObject({
  from: instant,
  to: instant.meta({ description: 'The first instant after the quarter.' }),
  rows: z.array(
    z.strictObject({
      enterprise: z.uuid(),
      mode: z.enum(MODES),
      sites: z.int().meta({ description: 'Sites that had a license in the quarter.' }),
      reporting: z.int().meta({ description: 'How many of these have reported.' }),
      users: amounts.meta({ description: 'By role: the highest report of each site, summed over the sites.' }),
    }),
  ),
});

const PATH = '/api/v1/stats/aggregate';

export const statisticsEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: PATH,
    operation: 'readStatistics',
    tag: 'License server',
    summary: 'Sites and users by quarter, enterprise and mode',
    description: 'Development sites are free of charge and stand in rows of their own.',
    action: 'statistics.read',
    query: aggregateUsage.input,
    status: 200,
    answer: aggregate,
    example: {
      answer: {
        from: '2026-10-01T00:00:00.000Z',
        to: '2027-01-01T00:00:00.000Z',
        rows: [{ enterprise: ids.ENTERPRISE, mode: 'production', sites: 3, reporting: 3, users: { operator: 36 } }],
      },
    },
    refusals: { ENTERPRISE_NOT_FOUND: 404 },
    async run({ principal, query }, { licensing }) {
      const { site } = boundsOf(principal, 'statistics.read');
      // A site sees what it reports itself, which the sums of its enterprise are not.
      if (site !== undefined) found('enterprise', undefined);
      return aggregateUsage(licensing)(principal, query);
    },
    reply: ({ from, to, rows }) => ({
      body: { from: from.toISOString(), to: to.toISOString(), rows: rows.map((row) => ({ ...row })) },
    }),
  }),
  endpoint({
    method: 'POST',
    path: PATH,
    operation: 'reportStatistics',
    tag: 'License server',
    summary: 'Report what was used at a site',
    description: 'The id of the report makes a repetition harmless: the same report again changes nothing.',
    action: 'statistics.report',
    body: reportUsage.input,
    status: 200,
    answer: z.strictObject({ repeated: z.boolean().meta({ description: 'It was there already.' }) }),
    example: {
      body: {
        site: ids.SITE,
        id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0a',
        from: '2026-11-01T00:00:00Z',
        to: '2026-11-02T00:00:00Z',
        users: { operator: 12 },
        usage: { machines: 3 },
      },
      answer: { repeated: false },
    },
    refusals: { PERIOD_INVALID: 400, SITE_NEEDED: 400, SITE_NOT_FOUND: 404, REPORT_CONFLICT: 409 },
    run: ({ principal, body }, { licensing }) => reportUsage(licensing)(principal, body),
    reply: (body) => ({ body }),
  }),
];
