import type { Migration } from './migration.ts';
import { platformOnly, protect } from './protect.ts';
import { entity } from './table.ts';

const statements = [
  // The only table that says who somebody is. An erased person keeps its row, which then says nothing: the id stands in
  // the audit log.
  entity(
    'people',
    `email text,
     name text,
     status text not null check (status in ('invited', 'active', 'disabled', 'erased')),
     roles jsonb not null,
     enterprise uuid,
     password text,
     totp jsonb,
     recovery_codes jsonb not null,
     invitation text unique,
     invited_until timestamptz(3),
     issuer text,
     subject text,
     unique (organization, email),
     unique (organization, issuer, subject),
     check (status <> 'erased' or num_nonnulls(email, name, password, totp, invitation, issuer, subject) = 0)`,
  ),
  ...protect('people'),

  // Secrets are random, so their SHA-256 is enough to know them again and not enough to use them.
  entity(
    'api_tokens',
    `name text not null,
     prefix text not null,
     hash text not null unique,
     roles jsonb not null,
     enterprise uuid,
     actions jsonb,
     made_by text not null,
     expires_at timestamptz(3) not null,
     revoked_at timestamptz(3),
     last_used_at timestamptz(3)`,
  ),
  ...protect('api_tokens'),

  entity(
    'sessions',
    `person uuid not null,
     access_hash text not null unique,
     access_until timestamptz(3) not null,
     refresh_hash text not null unique,
     refresh_until timestamptz(3) not null,
     ends_at timestamptz(3) not null,
     revoked_at timestamptz(3),
     foreign key (organization, person) references people (organization, id)`,
  ),
  'create index sessions_of_person on sessions (organization, person)',
  'create index sessions_by_end on sessions (ends_at)',
  ...protect('sessions'),
  // A refresh token that comes a second time was stolen, by the first who used it or by the second.
  `create table spent_refresh_tokens (
     hash text collate "C" primary key,
     organization text collate "C" not null,
     session uuid not null,
     foreign key (organization, session) references sessions (organization, id) on delete cascade
   )`,
  'create index spent_refresh_tokens_of_session on spent_refresh_tokens (organization, session)',
  ...protect('spent_refresh_tokens'),

  entity(
    'sign_in_providers',
    `name text not null,
     issuer text not null,
     client_id text not null,
     client_secret text,
     algorithms jsonb not null,
     trusts_email boolean not null,
     unique (organization, name)`,
  ),
  ...protect('sign_in_providers'),
  // Somebody who was sent to a provider and is to come back.
  `create table sign_ins (
     state text collate "C" primary key,
     organization text collate "C" not null,
     provider uuid not null,
     browser text not null,
     nonce text not null,
     verifier text not null,
     expires_at timestamptz(3) not null,
     foreign key (organization, provider) references sign_in_providers (organization, id) on delete cascade
   )`,
  'create index sign_ins_by_expiry on sign_ins (expires_at)',
  ...protect('sign_ins'),

  entity(
    'approval_requests',
    `action text not null,
     subject text not null,
     payload jsonb not null,
     digest text not null,
     requested_by text not null,
     responsible text not null,
     status text not null check (status in ('waiting', 'approved', 'declined', 'used', 'expired')),
     decided_by text,
     expires_at timestamptz(3) not null,
     check (decided_by is null or decided_by not in (requested_by, responsible))`,
  ),
  `create unique index approval_requests_open on approval_requests (organization, requested_by, digest)
     where status in ('waiting', 'approved')`,
  ...protect('approval_requests'),

  // Failed sign-ins, by digests of account and address. Of no organization: an address tries its luck with all.
  `create table throttles (
     key text collate "C" primary key,
     arrival timestamptz(3) not null
   ) with (fillfactor = 50)`,
  'create index throttles_by_arrival on throttles (arrival)',
  ...platformOnly('throttles'),

  `create table request_quotas (
     organization text collate "C" not null,
     enterprise uuid not null,
     month date not null,
     used bigint not null,
     primary key (organization, enterprise, month)
   ) with (fillfactor = 50)`,
  ...protect('request_quotas'),
];

export const access: Migration = {
  name: '0008-access',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
