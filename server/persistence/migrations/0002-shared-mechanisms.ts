import type { Migration } from './migration.ts';
import { platformOnly, protect } from './protect.ts';

/** Runs before the roles' own rights and binds the owner and superusers too, until they take the trigger away. */
const refuseChanges = (table: string, verbs: string): string[] => [
  `create function ${table}_refuse_change() returns trigger language plpgsql as $$
   begin
     raise exception '${table} is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
   end $$`,
  `create trigger ${table}_append_only before ${verbs} on ${table}
   for each statement execute function ${table}_refuse_change()`,
];

// Text columns compare by bytes ("C"), so that paging by key goes the same way on every host and locale.
const auditLog = [
  `create table audit_log (
     organization text collate "C" not null,
     sequence bigint not null check (sequence > 0),
     at timestamptz(3) not null,
     actor text not null,
     action text not null,
     subject text not null,
     details text not null,
     previous bytea not null check (octet_length(previous) = 32),
     hash bytea not null check (octet_length(hash) = 32),
     primary key (organization, sequence)
   )`,
  ...refuseChanges('audit_log', 'update or delete or truncate'),
  ...protect('audit_log', { rows: 'append-only' }),
  // One row per chain, locked by whoever appends: it is what gives sequence and previous hash. Updated in place often,
  // hence the room for heap-only updates.
  `create table audit_heads (
     organization text collate "C" primary key,
     sequence bigint not null,
     hash bytea not null
   ) with (fillfactor = 50)`,
  ...refuseChanges('audit_heads', 'delete or truncate'),
  ...protect('audit_heads'),
  'revoke delete on audit_heads from licet_application, licet_platform',
];

const outbox = [
  'create table outbox_subscribers (subscriber text collate "C" primary key)',
  ...platformOnly('outbox_subscribers'),
  // Whoever publishes must know for whom.
  'grant select on outbox_subscribers to licet_application',
  `create table outbox_events (
     position bigint generated always as identity primary key,
     id uuid not null default gen_random_uuid() unique,
     organization text not null,
     stream text collate "C" not null,
     type text not null,
     payload jsonb not null,
     at timestamptz(3) not null,
     published_at timestamptz not null default clock_timestamp()
   )`,
  'create index outbox_events_by_age on outbox_events (published_at)',
  ...protect('outbox_events', { rows: 'append-only' }),
  'grant delete on outbox_events to licet_platform',
  // What is still to be delivered, and nothing else: a delivered row goes, so the table stays as small as the backlog.
  // A claim pushes due_at to the end of its lease; that is all it takes for a crashed claimer's events to come back.
  `create table outbox_deliveries (
     subscriber text collate "C" not null references outbox_subscribers on delete cascade,
     position bigint not null references outbox_events,
     organization text not null,
     stream text collate "C" not null,
     attempts integer not null default 0,
     due_at timestamptz not null default clock_timestamp(),
     claim uuid,
     died_at timestamptz,
     error text,
     primary key (subscriber, position)
   ) with (fillfactor = 70)`,
  'create index outbox_deliveries_in_order on outbox_deliveries (subscriber, stream, position)',
  'create index outbox_deliveries_due on outbox_deliveries (subscriber, due_at, position) where died_at is null',
  'create index outbox_deliveries_by_event on outbox_deliveries (position)',
  ...protect('outbox_deliveries', { rows: 'append-only' }),
  'grant update, delete on outbox_deliveries to licet_platform',
];

const idempotency = [
  // An answer is there or not: status, headers, body and expiry come together.
  `create table idempotency_keys (
     organization text collate "C" not null,
     principal text collate "C" not null,
     key text collate "C" not null,
     fingerprint bytea not null,
     claim uuid not null,
     claimed_until timestamptz not null,
     status smallint,
     headers jsonb,
     body bytea,
     expires_at timestamptz not null,
     primary key (organization, principal, key),
     check (num_nulls(status, headers, body) in (0, 3))
   )`,
  'create index idempotency_keys_by_expiry on idempotency_keys (expires_at)',
  ...protect('idempotency_keys'),
];

const leases = [
  // A lease that nobody holds stays as a row: its token must go on rising.
  `create table leases (
     name text primary key,
     holder text not null,
     token bigint not null,
     expires_at timestamptz not null
   ) with (fillfactor = 50)`,
  ...platformOnly('leases'),
  `create table job_runs (
     job text not null,
     slot timestamptz(3) not null,
     holder text not null,
     attempts integer not null default 1,
     started_at timestamptz not null default clock_timestamp(),
     finished_at timestamptz,
     result text check (result in ('succeeded', 'failed', 'timed-out')),
     error text,
     primary key (job, slot),
     check ((finished_at is null) = (result is null))
   )`,
  'create index job_runs_unfinished on job_runs (job) where finished_at is null',
  ...platformOnly('job_runs'),
];

export const sharedMechanisms: Migration = {
  name: '0002-shared-mechanisms',
  async up(query) {
    for (const statement of [...auditLog, ...outbox, ...idempotency, ...leases]) await query(statement);
  },
};
