import type { Migration } from './migration.ts';
import { protect } from './protect.ts';
import { entity } from './table.ts';

/** Which events a receiver hears. */
const HEARS = `
  events jsonb not null,
  alert_kinds jsonb not null,
  enterprise uuid,
  status text not null check (status in ('active', 'disabled'))`;

const statements = [
  entity(
    'webhooks',
    `name text not null,
     url text not null,
     secrets jsonb not null,
     disabled_because text check (disabled_because in ('person', 'gone', 'failing')),
     failing_since timestamptz(3),
     check ((status = 'disabled') = (disabled_because is not null)),
     ${HEARS}`,
  ),
  ...protect('webhooks'),

  entity(
    'mail_recipients',
    `name text not null,
     address text not null,
     unique (organization, address),
     ${HEARS}`,
  ),
  ...protect('mail_recipients'),

  // One event on its way to one receiver. It holds a copy of the event, which is removed sooner.
  `create table deliveries (
     number bigint generated always as identity primary key,
     id uuid not null default gen_random_uuid() unique,
     organization text collate "C" not null,
     channel text not null check (channel in ('webhook', 'mail')),
     receiver uuid not null,
     event uuid not null,
     type text not null,
     payload jsonb not null,
     at timestamptz(3) not null,
     secret text,
     status text not null default 'waiting' check (status in ('waiting', 'delivered', 'dead')),
     attempts integer not null default 0,
     due_at timestamptz not null default clock_timestamp(),
     claim uuid,
     answer smallint,
     error text,
     written_at timestamptz not null default clock_timestamp(),
     ended_at timestamptz,
     unique (receiver, event),
     check ((status = 'waiting') = (ended_at is null))
   ) with (fillfactor = 70)`,
  `create index deliveries_due on deliveries (receiver, due_at) where status = 'waiting'`,
  'create index deliveries_of_receiver on deliveries (organization, receiver, number)',
  'create index deliveries_by_age on deliveries (written_at)',
  ...protect('deliveries'),
];

export const notices: Migration = {
  name: '0011-notices',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
