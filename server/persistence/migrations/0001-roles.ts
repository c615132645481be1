import type { Migration } from './migration.ts';
import { platformOnly } from './protect.ts';

// Roles belong to the cluster and not to the database, so another Licet database may have made them already.
const makeRole = (role: string): string => `
  do $$ begin
    create role ${role} nologin;
  exception when duplicate_object or unique_violation then null;
  end $$`;

// The migrator is whoever runs this; it owns the tables. It must be able to take the roles to test what it made.
const takeRoles = `
  do $$ begin
    if not pg_has_role(current_user, 'licet_application', 'member')
      or not pg_has_role(current_user, 'licet_platform', 'member') then
      execute format('grant licet_application, licet_platform to %I', current_user);
    end if;
  end $$`;

export const roles: Migration = {
  name: '0001-roles',
  async up(query) {
    await query(makeRole('licet_application'));
    await query(makeRole('licet_platform'));
    await query(takeRoles);
    await query('grant usage on schema public to licet_application, licet_platform');
    await query('grant select on licet_migrations to licet_platform');
    // Empty after a transaction that had set it: PostgreSQL then remembers the parameter as an empty string.
    await query(`
      create function licet_organization() returns text language sql stable parallel safe
      return nullif(current_setting('licet.organization', true), '')`);
    await query(`
      create table readiness (
        id smallint primary key default 1 check (id = 1),
        checked_at timestamptz not null default now()
      )`);
    await query('insert into readiness default values');
    for (const statement of platformOnly('readiness')) await query(statement);
  },
};
