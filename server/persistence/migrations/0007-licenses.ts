import type { Migration } from './migration.ts';
import { protect } from './protect.ts';
import { within } from './table.ts';

const statements = [
  // One row per renewal too: kept narrow, and updated in place.
  `create table lineages (
     id uuid primary key,
     organization text collate "C" not null,
     site uuid not null,
     sequence integer not null default 0,
     head text collate "C",
     status text not null check (status in ('live', 'forked', 'closed')),
     held boolean not null default false,
     forked_from text collate "C",
     unique (organization, id),
     ${within('site', 'sites')}
   ) with (fillfactor = 70)`,
  'create index lineages_of_site on lineages (organization, site)',
  ...protect('lineages'),

  // What the domain knows of a license. The ratchet is in the row of the predecessor: it names the one request, and the
  // one key, by which it may be renewed, and the one license that came of it.
  `create table licenses (
     organization text collate "C" not null,
     serial text collate "C" not null,
     issuer_key text collate "C" not null,
     enterprise uuid not null,
     contract uuid not null,
     site uuid not null,
     lineage uuid not null,
     sequence integer not null,
     predecessor text collate "C",
     mode text not null check (mode in ('production', 'development', 'recovery')),
     public_key bytea not null,
     not_before timestamptz(3) not null,
     not_after timestamptz(3) not null,
     status text not null check (status in ('current', 'superseded', 'suspended', 'revoked')),
     renewal_request bytea,
     renewal_key bytea,
     renewal_at timestamptz(3),
     successor text collate "C",
     reissued_as text collate "C",
     told smallint not null default 0,
     primary key (organization, serial)
   ) with (fillfactor = 70)`,
  'create index licenses_of_lineage on licenses (organization, lineage, sequence)',
  'create index licenses_of_site on licenses (organization, site, not_after)',
  // What the job that tells of expiry walks: licenses that nothing has taken the place of, by their end.
  `create index licenses_by_expiry on licenses (not_after) where status = 'current' and told < 4`,
  ...protect('licenses'),

  `create table enrolment_tokens (
     id uuid primary key,
     organization text collate "C" not null,
     hash bytea not null unique,
     enterprise uuid not null,
     contract uuid not null,
     mode text not null check (mode in ('production', 'development', 'recovery')),
     name text,
     fingerprint text,
     site uuid,
     lineage uuid,
     request bytea,
     expires_at timestamptz(3) not null,
     used_at timestamptz(3),
     withdrawn_at timestamptz(3),
     created_at timestamptz(3) not null,
     created_by text not null,
     unique (organization, id),
     ${within('enterprise', 'enterprises')},
     ${within('contract', 'contracts')},
     ${within('site', 'sites')}
   )`,
  'create index enrolment_tokens_of_enterprise on enrolment_tokens (organization, enterprise, id)',
  'create index enrolment_tokens_of_site on enrolment_tokens (organization, site) where site is not null',
  ...protect('enrolment_tokens'),

  // What applications report. The report's own id makes a repetition harmless; nothing is ever changed.
  `create table usage_reports (
     organization text collate "C" not null,
     site uuid not null,
     id uuid not null,
     enterprise uuid not null,
     contract uuid not null,
     mode text not null check (mode in ('production', 'development', 'recovery')),
     period_from timestamptz(3) not null,
     period_to timestamptz(3) not null,
     users jsonb not null,
     usage jsonb not null,
     digest bytea not null,
     received_at timestamptz(3) not null,
     primary key (organization, site, id),
     ${within('site', 'sites')}
   )`,
  'create index usage_reports_by_period on usage_reports (organization, period_from, enterprise)',
  ...protect('usage_reports', { rows: 'append-only' }),

  `create table alerts (
     id uuid primary key,
     organization text collate "C" not null,
     enterprise uuid,
     site uuid,
     kind text collate "C" not null,
     key text collate "C" not null,
     severity text not null check (severity in ('info', 'warning', 'critical')),
     status text not null check (status in ('open', 'acknowledged', 'resolved')),
     details jsonb not null,
     count integer not null default 1,
     first_at timestamptz(3) not null,
     last_at timestamptz(3) not null,
     changed_by text,
     unique (organization, id)
   )`,
  // The same trouble is one alert until it is resolved.
  `create unique index alerts_unresolved on alerts (organization, key) where status <> 'resolved'`,
  'create index alerts_by_key on alerts (organization, key)',
  'create index alerts_of_enterprise on alerts (organization, enterprise, id)',
  ...protect('alerts'),

  // Sets of licenses that are to be renewed now, with the reason for those who must act.
  `create table renewal_incidents (
     id uuid primary key,
     organization text collate "C" not null,
     enterprise uuid,
     issuer_key text collate "C",
     issued_before timestamptz(3) not null,
     explanation text not null,
     begins_at timestamptz(3) not null,
     ends_at timestamptz(3) not null,
     created_by text not null,
     created_at timestamptz(3) not null
   )`,
  'create index renewal_incidents_in_force on renewal_incidents (organization, ends_at)',
  ...protect('renewal_incidents'),
];

export const licenses: Migration = {
  name: '0007-licenses',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
