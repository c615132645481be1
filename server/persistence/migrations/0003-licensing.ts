import type { Migration } from './migration.ts';
import { protect } from './protect.ts';
import { entity, within } from './table.ts';

const statements = [
  entity(
    'organizations',
    `slug text not null unique,
     name text not null,
     status text not null check (status in ('active', 'suspended')),
     settings jsonb not null,
     check (organization = slug)`,
  ),
  ...protect('organizations'),

  entity(
    'products',
    `code text not null,
     name text not null,
     status text not null check (status in ('active', 'retired')),
     catalog_version integer not null,
     catalog jsonb not null,
     unique (organization, code)`,
  ),
  ...protect('products'),
  // What a contract was sold with stays readable for ever.
  `create table product_catalogs (
     organization text collate "C" not null,
     product uuid not null,
     version integer not null,
     catalog jsonb not null,
     created_at timestamptz(3) not null,
     primary key (organization, product, version),
     ${within('product', 'products')}
   )`,
  ...protect('product_catalogs', { rows: 'append-only' }),

  entity(
    'plans',
    `code text not null,
     name text not null,
     status text not null check (status in ('active', 'retired')),
     terms jsonb not null,
     months integer not null check (months > 0),
     requests_per_month jsonb not null,
     unique (organization, code)`,
  ),
  ...protect('plans'),

  entity(
    'enterprises',
    `slug text not null,
     name text not null,
     status text not null check (status in ('active', 'suspended', 'closed')),
     labels jsonb not null,
     unique (organization, slug)`,
  ),
  ...protect('enterprises'),

  entity(
    'contracts',
    `enterprise uuid not null,
     number text not null,
     status text not null check (status in ('draft', 'active', 'suspended', 'ended')),
     plan uuid,
     terms jsonb not null,
     catalogs jsonb not null,
     term jsonb not null,
     ends_at timestamptz(3) not null,
     labels jsonb not null,
     ending_told smallint,
     ending_told_for timestamptz(3),
     unique (organization, number),
     ${within('enterprise', 'enterprises')},
     ${within('plan', 'plans')}`,
  ),
  'create index contracts_of_enterprise on contracts (organization, enterprise, id)',
  `create index contracts_by_end on contracts (ends_at) where status in ('active', 'suspended')`,
  ...protect('contracts'),

  entity(
    'sites',
    `enterprise uuid not null,
     contract uuid not null,
     name text not null,
     mode text not null check (mode in ('production', 'development', 'recovery')),
     status text not null check (status in ('pending', 'active', 'suspended', 'retired')),
     lineage uuid not null,
     shares jsonb not null,
     fingerprints jsonb not null,
     reported_at timestamptz(3),
     labels jsonb not null,
     ${within('enterprise', 'enterprises')},
     ${within('contract', 'contracts')}`,
  ),
  // A retired site's name may be used again.
  `create unique index sites_by_name on sites (organization, enterprise, name) where status <> 'retired'`,
  `create index sites_of_contract on sites (organization, contract, mode) where status <> 'retired'`,
  'create index sites_of_enterprise on sites (organization, enterprise, id)',
  ...protect('sites'),
];

export const licensing: Migration = {
  name: '0003-licensing',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
