import { hash } from 'node:crypto';
import { z } from 'zod';
import { raiseAlert } from '../alerts/raise-alert.ts';
import { canonicalJson } from '../canonical-json.ts';
import { siteClaims } from '../contracts/claims.ts';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { count, mode, reference } from '../fields.ts';
import type { Contract } from '../model/contract.ts';
import type { Site } from '../model/site.ts';
import type { UsageAggregate } from '../ports/usage.ts';
import { type Dependencies, inTransaction, reading, useCase, type Work } from '../use-case.ts';
import { quarterInput, quarterOf, textOfQuarter } from './quarter.ts';

/** By which the clock of a site may be ahead. */
const AHEAD_MS = 5 * 60_000;
const OLDEST_MS = 400 * 86_400_000;

const amounts = z
  .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be a code'), count)
  .refine((value) => Object.keys(value).length <= 64, 'must have at most 64 entries');

const instant = z.union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))]);

/** An application says what was used at its site. The same report again changes nothing. */
export const reportUsage = useCase(
  z.strictObject({
    site: reference('site').optional().describe('Which site; one that reports itself need not say it.'),
    id: z.uuid().describe('Of the report, chosen by who reports: the same again is the same report.'),
    from: instant.describe('The period begins at this instant'),
    to: instant.describe('and ends before this one.'),
    users: amounts
      .default({})
      .describe('The most users at one time, by role.')
      .meta({ example: { operator: 12 } }),
    usage: amounts
      .default({})
      .describe('The most in use at one time, by limit.')
      .meta({ example: { machines: 3 } }),
  }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async (work) => {
      const { tx, at } = work;
      assertPeriod(input.from, input.to, at);
      const named = input.site ?? actor.site;
      if (named === undefined) {
        throw new LicetError('invalid', 'SITE_NEEDED', 'Say which site the report is of.', { pointer: '/site' });
      }
      const site = found('site', await deps.stores.sites.get(tx, named), actor, enterpriseOf);
      if (actor.site !== undefined && actor.site !== site.id) found('site', undefined);
      const { organization, enterprise, contract, mode: siteMode } = site;
      const { id, from, to, users, usage } = input;
      const said = canonicalJson({ from: from.toISOString(), to: to.toISOString(), users, usage });
      const report = { organization, enterprise, contract, site: site.id, mode: siteMode, id, from, to, users, usage };
      const outcome = await deps.stores.usage.add(tx, { ...report, digest: hash('sha256', said, 'buffer') }, at);
      if (outcome === 'conflicting') {
        const message = 'Another report has this id; give each report an id of its own.';
        throw new LicetError('conflict', 'REPORT_CONFLICT', message, { pointer: '/id' });
      }
      if (outcome === 'added') {
        work.note({ action: 'usage.reported', subject: `site:${site.id}`, details: { report: id } });
        await alertOverLimit(deps, work, site, usage);
      }
      return { repeated: outcome === 'repeated' };
    }),
);

function assertPeriod(from: Date, to: Date, at: Date): void {
  const refuse = (pointer: string, message: string) =>
    new LicetError('invalid', 'PERIOD_INVALID', message, { pointer });
  if (from >= to)
    throw refuse('/to', 'The period ends before it begins; give its first instant and the one after its last.');
  if (to.getTime() > at.getTime() + AHEAD_MS)
    throw refuse('/to', 'The period ends in the future; report it when it is over.');
  if (from.getTime() < at.getTime() - OLDEST_MS) throw refuse('/from', 'The period began more than 400 days ago.');
}

/** Above, not at: a limit of ten is kept by ten. */
async function alertOverLimit(deps: Dependencies, work: Work, site: Site, usage: Readonly<Record<string, number>>) {
  const contract: Contract = found('contract', await deps.stores.contracts.get(work.tx, site.contract));
  const { limits } = siteClaims({ ...contract, terms: { ...contract.terms, bindingNeed: 0 } }, site, site.lineage, 1);
  for (const [code, used] of Object.entries(usage)) {
    const max = limits.find((limit) => limit.code === code)?.max ?? 0;
    if (max === 'unlimited' || used <= max) continue;
    const details = { site: site.id, enterprise: site.enterprise, limit: code, used, max };
    const { fresh } = await raiseAlert(deps, work, {
      organization: site.organization,
      enterprise: site.enterprise,
      site: site.id,
      kind: 'limit-exceeded',
      key: `limit:${site.id}:${code}:${textOfQuarter(work.at)}`,
      severity: 'warning',
      details,
    });
    if (fresh) work.note({ action: 'limit.exceeded', subject: `site:${site.id}`, details });
  }
}

/** Sites and users in a quarter, by enterprise and mode. Development sites stand apart: they are free of charge. */
export const aggregateUsage = useCase(
  z.strictObject({ quarter: quarterInput, enterprise: reference('enterprise').optional(), mode: mode.optional() }),
  (deps, actor, input): Promise<{ from: Date; to: Date; rows: readonly UsageAggregate[] }> =>
    reading(deps, actor, async (tx) => {
      const { from, to } = quarterOf(input.quarter);
      const wanted = actor.enterprise ?? input.enterprise;
      if (input.enterprise !== undefined) {
        found('enterprise', await deps.stores.enterprises.get(tx, input.enterprise), actor, ({ id }) => id);
      }
      const query = {
        from,
        to,
        ...(wanted !== undefined && { enterprise: wanted }),
        ...(input.mode !== undefined && { mode: input.mode }),
      };
      return { from, to, rows: await deps.stores.usage.aggregate(tx, query) };
    }),
);
