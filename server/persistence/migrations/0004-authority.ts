import type { Migration } from './migration.ts';
import { protect } from './protect.ts';

const statements = [
  // Every serial that was ever reserved, for ever: what makes a serial unique and what "never issued" is judged by.
  // Narrow, because it is the one table here that only grows.
  `create table serials (
     issuer text collate "C" not null,
     serial bytea not null,
     organization text collate "C" not null,
     crl_shard integer not null,
     not_after timestamptz(3) not null,
     kept_until timestamptz(3) not null,
     closed boolean not null default false,
     primary key (issuer, serial)
   )`,
  ...protect('serials'),
  'revoke delete on serials from licet_application, licet_platform',

  // What is on its way between reserve and commit, and nothing else: as small as the number of requests under way.
  `create table issue_intents (
     issuer text collate "C" not null,
     serial bytea not null,
     organization text collate "C" not null,
     enterprise text,
     request bytea not null,
     csr bytea not null,
     public_key bytea not null,
     key_owner text not null,
     tbs bytea not null,
     profile text not null,
     profile_hash bytea not null,
     claims bytea,
     not_before timestamptz(3) not null,
     not_after timestamptz(3) not null,
     crl_shard integer not null,
     context jsonb not null,
     at timestamptz(3) not null,
     primary key (issuer, serial)
   )`,
  'create index issue_intents_by_age on issue_intents (at)',
  ...protect('issue_intents'),

  // The same request has one certificate for as long as that is valid.
  `create table issue_requests (
     request bytea primary key,
     issuer text collate "C" not null,
     serial bytea not null,
     organization text collate "C" not null,
     not_after timestamptz(3) not null,
     at timestamptz(3) not null
   )`,
  'create index issue_requests_by_expiry on issue_requests (not_after)',
  ...protect('issue_requests'),

  // Whose a public key is. A blocked key has no owner: it is known to others.
  `create table public_keys (
     hash bytea primary key,
     organization text collate "C" not null,
     owner text not null,
     blocked boolean not null default false
   )`,
  ...protect('public_keys'),

  // Partitioned by month of expiry, so that retention drops a partition. Certificates of authorities are kept for ever,
  // in a partition of their own: they are few, and a chain is needed as long as anything below it is.
  `create table certificates (
     issuer text collate "C" not null,
     serial bytea not null,
     kept_until timestamptz(3) not null,
     organization text collate "C" not null,
     enterprise text,
     profile text not null,
     certificate bytea not null,
     not_before timestamptz(3) not null,
     not_after timestamptz(3) not null,
     context jsonb not null,
     issued_at timestamptz(3) not null,
     primary key (issuer, serial, kept_until)
   ) partition by range (kept_until)`,
  ...protect('certificates', { rows: 'append-only' }),
  `create table certificates_forever partition of certificates for values from ('9999-01-01 00:00:00Z') to (maxvalue)`,
  // Partitions are made ahead by a job. As the owner, because the application has no right to make tables.
  `create function licet_make_certificate_partitions(first timestamptz, months integer) returns integer
   language plpgsql security definer set search_path = public, pg_temp as $$
   declare
     start timestamptz := date_trunc('month', first, 'UTC');
     name text;
     made integer := 0;
   begin
     for month in 0 .. months - 1 loop
       name := 'certificates_' || to_char((start + make_interval(months => month)) at time zone 'UTC', 'YYYYMM');
       if to_regclass('public.' || name) is null then
         execute format('create table public.%I partition of public.certificates for values from (%L) to (%L)', name,
           start + make_interval(months => month), start + make_interval(months => month + 1));
         made := made + 1;
       end if;
     end loop;
     return made;
   end $$`,
  'revoke execute on function licet_make_certificate_partitions(timestamptz, integer) from public',
  'grant execute on function licet_make_certificate_partitions(timestamptz, integer) to licet_platform',
];

export const authority: Migration = {
  name: '0004-authority',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
