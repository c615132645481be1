import type { Migration } from './migration.ts';
import { platformOnly, protect } from './protect.ts';

const statements = [
  // Narrow, and never emptied: the status of a certificate is asked for long after it has expired. One row for each
  // certificate, so none stands in a CRL twice. `reason` is the CRLReason (RFC 5280 5.3.1); removeFromCRL (8) is a hold
  // that was undone. `change` counts changes in the order in which they were committed.
  `create table revocations (
     issuer text collate "C" not null,
     serial bytea not null,
     organization text collate "C" not null,
     crl_shard integer not null,
     not_after timestamptz(3) not null,
     reason smallint not null check (reason in (1, 2, 3, 4, 5, 6, 8, 9)),
     revoked_at timestamptz(3) not null,
     invalid_since timestamptz(3),
     change bigint not null,
     primary key (issuer, serial),
     foreign key (issuer, serial) references serials
   ) with (fillfactor = 90)`,
  // What a CRL is made from: only what has not expired is walked, however much has.
  'create index revocations_in_crl on revocations (issuer, crl_shard, not_after, serial) where reason <> 8',
  // Whether a CRL is behind, and which cached answers are.
  'create index revocations_by_shard_change on revocations (issuer, crl_shard, change)',
  'create index revocations_by_change on revocations (change)',
  ...protect('revocations'),
  'revoke delete on revocations from licet_application, licet_platform',
  // The number of the last change. Its lock makes changes follow one another, so no reader ever finds a lower one late.
  `create table revocation_changes (
     id smallint primary key default 1 check (id = 1),
     last bigint not null
   ) with (fillfactor = 50)`,
  'insert into revocation_changes (last) values (0)',
  ...platformOnly('revocation_changes'),

  // How far an order over many certificates has come, in the transactions of its batches.
  `create table revocation_orders (
     organization text collate "C" not null,
     id text collate "C" not null,
     digest bytea not null,
     total integer not null,
     done integer not null,
     outcomes jsonb not null,
     at timestamptz(3) not null,
     primary key (organization, id)
   ) with (fillfactor = 70)`,
  ...protect('revocation_orders'),

  // The CRL in force of each shard: its parts belong to its number, so a reader never mixes two.
  `create table published_crls (
     issuer text collate "C" not null,
     crl_shard integer not null,
     number bigint not null,
     size integer not null,
     entries integer not null,
     sha256 bytea not null,
     this_update timestamptz(3) not null,
     next_update timestamptz(3) not null,
     published_at timestamptz(3) not null,
     covers bigint not null,
     primary key (issuer, crl_shard)
   )`,
  ...platformOnly('published_crls'),
  `create table published_crl_parts (
     issuer text collate "C" not null,
     crl_shard integer not null,
     number bigint not null,
     part integer not null,
     bytes bytea not null,
     primary key (issuer, crl_shard, number, part)
   )`,
  // Certificates' serials and signatures do not compress.
  'alter table published_crl_parts alter column bytes set storage external',
  ...platformOnly('published_crl_parts'),
];

export const revocation: Migration = {
  name: '0006-revocation',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
