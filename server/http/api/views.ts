import { MODES } from '@licet/format';
import { z } from 'zod';
import { degrade, limit } from '../../licensing/fields.ts';
import type { Contract } from '../../licensing/model/contract.ts';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import type { Entity } from '../../licensing/model/entity.ts';
import type { Organization } from '../../licensing/model/organization.ts';
import type { Plan } from '../../licensing/model/plan.ts';
import type { Product } from '../../licensing/model/product.ts';
import type { Site } from '../../licensing/model/site.ts';
import type { Terms } from '../../licensing/model/terms.ts';
import type { Reply } from './endpoint.ts';
import { instant } from './wire.ts';

const common = {
  id: z.uuid(),
  createdAt: instant,
  updatedAt: instant,
  version: z.int().positive().meta({ description: 'What ETag and If-Match carry.' }),
};

const labels = z.record(z.string(), z.string());
const cap = z.union([z.int().min(0), z.literal('unlimited')]);

export const organizationView = z
  .strictObject({
    ...common,
    slug: z.string(),
    name: z.string(),
    status: z.enum(['active', 'suspended']),
    settings: z.strictObject({
      secondPerson: z.boolean(),
      onFork: z.enum(['alarm', 'quarantine-later', 'quarantine-both']),
    }),
  })
  .meta({ id: 'Organization' });

export const productView = z
  .strictObject({
    ...common,
    code: z.string(),
    name: z.string(),
    status: z.enum(['active', 'retired']),
    catalogVersion: z.int().positive(),
    catalog: z.strictObject({
      features: z.array(z.strictObject({ code: z.string(), name: z.string() })),
      limits: z.array(z.strictObject({ code: z.string(), name: z.string(), unit: z.string() })),
      tiers: z.array(z.strictObject({ rank: z.int(), code: z.string(), name: z.string() })),
    }),
  })
  .meta({ id: 'Product' });

export const termsView = z
  .strictObject({
    tier: z.strictObject({ rank: z.int(), code: z.string() }),
    features: z.array(z.string()),
    limits: z.array(limit),
    siteCaps: z.partialRecord(z.enum(MODES), cap),
    modeChanges: z.boolean(),
    graceSeconds: z.int(),
    contactSeconds: z.int(),
    degrade,
    reporting: z.strictObject({ every: z.int(), required: z.boolean() }).optional(),
    bindingNeed: z.int(),
  })
  .meta({ id: 'Terms' });

export const planView = z
  .strictObject({
    ...common,
    code: z.string(),
    name: z.string(),
    status: z.enum(['active', 'retired']),
    terms: termsView,
    months: z.int().positive(),
    requestsPerMonth: cap,
  })
  .meta({ id: 'Plan' });

export const enterpriseView = z
  .strictObject({
    ...common,
    slug: z.string(),
    name: z.string(),
    status: z.enum(['active', 'suspended', 'closed']),
    held: z.boolean().meta({ description: 'Its CA certificates are on hold, and with them all its sites.' }),
    labels,
  })
  .meta({ id: 'Enterprise' });

export const contractView = z
  .strictObject({
    ...common,
    enterprise: z.uuid(),
    number: z.string(),
    status: z.enum(['draft', 'active', 'suspended', 'ended']),
    plan: z.uuid().optional(),
    terms: termsView,
    term: z.strictObject({ firstDay: z.iso.date(), lastDay: z.iso.date(), timeZone: z.string() }),
    endsAt: instant.meta({
      description: 'The first instant after the last day: derived, so that nobody has to guess it.',
    }),
    labels,
  })
  .meta({ id: 'Contract' });

export const siteView = z
  .strictObject({
    ...common,
    enterprise: z.uuid(),
    contract: z.uuid(),
    name: z.string(),
    mode: z.enum(MODES),
    status: z.enum(['pending', 'active', 'suspended', 'retired']),
    lineage: z
      .uuid()
      .optional()
      .meta({ description: 'The succession of licenses that counts; none before the first.' }),
    shares: z.record(z.string(), z.int()),
    isBound: z.boolean().meta({ description: 'Whether its licenses name fingerprints of a machine.' }),
    reportedAt: instant.optional().meta({ description: 'When its last usage report was accepted.' }),
    labels,
  })
  .meta({ id: 'Site' });

const commonOf = ({ id, createdAt, updatedAt, version }: Entity) => ({
  id,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  version,
});

type Json<View extends z.ZodType> = z.output<View>;

const termsJson = (terms: Terms): Json<typeof termsView> => ({
  ...terms,
  features: [...terms.features],
  limits: [...terms.limits],
});

export const json = {
  organization: (it: Organization): Json<typeof organizationView> => ({
    ...commonOf(it),
    slug: it.slug,
    name: it.name,
    status: it.status,
    settings: it.settings,
  }),
  product: (it: Product): Json<typeof productView> => ({
    ...commonOf(it),
    code: it.code,
    name: it.name,
    status: it.status,
    catalogVersion: it.catalogVersion,
    catalog: {
      features: [...it.catalog.features],
      limits: [...it.catalog.limits],
      tiers: [...it.catalog.tiers],
    },
  }),
  plan: (it: Plan): Json<typeof planView> => ({
    ...commonOf(it),
    code: it.code,
    name: it.name,
    status: it.status,
    terms: termsJson(it.terms),
    months: it.months,
    requestsPerMonth: it.requestsPerMonth,
  }),
  enterprise: (it: Enterprise): Json<typeof enterpriseView> => ({
    ...commonOf(it),
    slug: it.slug,
    name: it.name,
    status: it.status,
    held: it.held,
    labels: it.labels,
  }),
  contract: (it: Contract): Json<typeof contractView> => ({
    ...commonOf(it),
    enterprise: it.enterprise,
    number: it.number,
    status: it.status,
    ...(it.plan !== undefined && { plan: it.plan }),
    terms: termsJson(it.terms),
    term: it.term,
    endsAt: it.endsAt.toISOString(),
    labels: it.labels,
  }),
  site: (it: Site): Json<typeof siteView> => ({
    ...commonOf(it),
    enterprise: it.enterprise,
    contract: it.contract,
    name: it.name,
    mode: it.mode,
    status: it.status,
    lineage: it.lineage,
    shares: it.shares,
    isBound: it.fingerprints.length > 0,
    ...(it.reportedAt && { reportedAt: it.reportedAt.toISOString() }),
    labels: it.labels,
  }),
};

/** The answer about one stored thing, with its ETag. */
export const versioned =
  <T extends Entity, V>(view: (it: T) => V) =>
  (it: T): Reply<V> => ({ body: view(it), version: it.version });
