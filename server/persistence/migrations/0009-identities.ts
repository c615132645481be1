import type { Migration } from './migration.ts';
import { protect } from './protect.ts';
import { within } from './table.ts';

const statements = [
  // Whose workloads an organization gives licenses to, and on which contract.
  `create table trust_rules (
     id uuid primary key,
     organization text collate "C" not null,
     created_at timestamptz(3) not null,
     updated_at timestamptz(3) not null,
     version integer not null check (version > 0),
     name text collate "C" not null,
     status text not null check (status in ('active', 'off')),
     enterprise uuid not null,
     contract uuid not null,
     mode text not null check (mode in ('production', 'development', 'recovery')),
     issuer text collate "C" not null,
     audience text collate "C" not null,
     keys text,
     conditions jsonb not null,
     site_claim text not null,
     lifetime integer not null check (lifetime > 0),
     unique (organization, id),
     unique (organization, name),
     ${within('enterprise', 'enterprises')},
     ${within('contract', 'contracts')}
   )`,
  `create index trust_rules_of_issuer on trust_rules (organization, issuer) where status = 'active'`,
  ...protect('trust_rules'),

  // Each identity token is used once, and by one request: with it, however often it is sent.
  `create table used_identities (
     organization text collate "C" not null,
     issuer text collate "C" not null,
     token text collate "C" not null,
     request bytea not null,
     expires_at timestamptz(3) not null,
     primary key (organization, issuer, token)
   )`,
  'create index used_identities_by_expiry on used_identities (expires_at)',
  ...protect('used_identities'),
];

export const identities: Migration = {
  name: '0009-identities',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
