import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import type { Contract } from '../../licensing/model/contract.ts';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import type { Entity } from '../../licensing/model/entity.ts';
import type { Organization } from '../../licensing/model/organization.ts';
import type { Plan } from '../../licensing/model/plan.ts';
import type { Product } from '../../licensing/model/product.ts';
import type { MailRecipient, Webhook } from '../../licensing/model/receiver.ts';
import type { Site } from '../../licensing/model/site.ts';

/** In the domain a value that is not there is undefined; in SQL it is null. */
export const optional = { to: (value: unknown) => value ?? null, from: (value: unknown) => value ?? undefined };

export const text: EntitySchemaColumnOptions = { type: 'text' };
export const integer: EntitySchemaColumnOptions = { type: 'integer' };
export const json: EntitySchemaColumnOptions = { type: 'jsonb' };
export const id: EntitySchemaColumnOptions = { type: 'uuid' };
export const optionalId: EntitySchemaColumnOptions = { type: 'uuid', nullable: true, transformer: optional };
export const instant: EntitySchemaColumnOptions = { type: 'timestamptz' };

type OwnColumns<T extends Entity> = Record<Exclude<keyof T, keyof Entity>, EntitySchemaColumnOptions>;

export function entity<T extends Entity>(name: string, columns: OwnColumns<T>): EntitySchema<T> {
  const common: Record<keyof Entity, EntitySchemaColumnOptions> = {
    id: { type: 'uuid', primary: true },
    organization: text,
    createdAt: { ...instant, name: 'created_at' },
    updatedAt: { ...instant, name: 'updated_at' },
    // Ours and not TypeORM's @VersionColumn: the caller says which version it has seen.
    version: integer,
  };
  return new EntitySchema<T>({ name, tableName: name, columns: { ...common, ...columns } });
}

export const organizationSchema = entity<Organization>('organizations', {
  slug: text,
  name: text,
  status: text,
  settings: json,
});

export const productSchema = entity<Product>('products', {
  code: text,
  name: text,
  status: text,
  catalogVersion: { ...integer, name: 'catalog_version' },
  catalog: json,
});

export const planSchema = entity<Plan>('plans', {
  code: text,
  name: text,
  status: text,
  terms: json,
  months: integer,
  requestsPerMonth: { ...json, name: 'requests_per_month' },
});

export const enterpriseSchema = entity<Enterprise>('enterprises', {
  slug: text,
  name: text,
  status: text,
  held: { type: 'boolean' },
  labels: json,
});

export const contractSchema = entity<Contract>('contracts', {
  enterprise: id,
  number: text,
  status: text,
  plan: optionalId,
  terms: json,
  catalogs: json,
  term: json,
  endsAt: { ...instant, name: 'ends_at' },
  labels: json,
});

export const siteSchema = entity<Site>('sites', {
  enterprise: id,
  contract: id,
  name: text,
  mode: text,
  status: text,
  lineage: id,
  shares: json,
  fingerprints: json,
  reportedAt: { ...instant, name: 'reported_at', nullable: true, transformer: optional },
  labels: json,
  key: { type: 'bytea', nullable: true, transformer: optional },
  trustRule: { ...optionalId, name: 'trust_rule' },
});

const hears = {
  events: json,
  alertKinds: { ...json, name: 'alert_kinds' },
  enterprise: optionalId,
  status: text,
};

export const webhookSchema = entity<Webhook>('webhooks', {
  ...hears,
  name: text,
  url: text,
  secrets: json,
  disabledBecause: { ...text, name: 'disabled_because', nullable: true, transformer: optional },
  failingSince: { ...instant, name: 'failing_since', nullable: true, transformer: optional },
});

export const mailRecipientSchema = entity<MailRecipient>('mail_recipients', { ...hears, name: text, address: text });

export const licensingSchemas: EntitySchema[] = [
  organizationSchema,
  productSchema,
  planSchema,
  enterpriseSchema,
  contractSchema,
  siteSchema,
  webhookSchema,
  mailRecipientSchema,
];
