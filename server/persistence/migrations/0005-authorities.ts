import type { Migration } from './migration.ts';
import { platformOnly, protect } from './protect.ts';

const statements = [
  // One row per key of an authority, for ever. The certificate is the one in force: a CA whose contract changes is
  // certified anew under the same key, and its earlier certificates stay in `certificates`.
  `create table authorities (
     key text collate "C" primary key,
     organization text collate "C" not null,
     kind text not null check (kind in ('root', 'organization', 'enterprise', 'service')),
     enterprise text collate "C",
     contract uuid,
     algorithm text not null,
     parent text collate "C" references authorities,
     held boolean not null,
     key_identifier bytea not null unique,
     certificate bytea not null,
     addresses jsonb not null,
     status text not null check (status in ('active', 'standby', 'crl-only', 'retired')),
     created_at timestamptz(3) not null,
     check ((kind = 'root') = (parent is null)),
     check ((kind = 'enterprise') = (enterprise is not null))
   )`,
  // Of each role one signs new certificates; a root does not count, an organization may know several.
  `create unique index authorities_in_office on authorities
     (organization, kind, coalesce(enterprise, ''), coalesce(contract::text, ''))
     where status = 'active' and kind <> 'root'`,
  'create index authorities_below on authorities (parent, key)',
  ...protect('authorities'),
  'revoke delete on authorities from licet_application, licet_platform',
  // What is cached of the table above holds while this number stands still.
  `create table authorities_version (
     id smallint primary key default 1 check (id = 1),
     version bigint not null
   ) with (fillfactor = 50)`,
  'insert into authorities_version (version) values (0)',
  ...platformOnly('authorities_version'),
  'grant select, update on authorities_version to licet_application',

  // How far into each signer's journal this database is known to hold everything. A journal is known by its first hash.
  `create table journal_marks (
     journal bytea primary key,
     sequence bigint not null check (sequence > 0),
     hash bytea not null,
     at timestamptz(3) not null
   ) with (fillfactor = 50)`,
  ...platformOnly('journal_marks'),
];

export const authorities: Migration = {
  name: '0005-authorities',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
