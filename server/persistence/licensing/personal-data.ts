import type { EnterpriseData, PersonalData } from '../../licensing/ports/personal-data.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';

type Source = {
  readonly table: string;
  /** Unique among the rows of an enterprise, and their order. */
  readonly key: string;
  /** Whose row it is. */
  readonly enterprise?: string;
  /** Secrets, their digests, and what is of no meaning outside. */
  readonly without?: readonly string[];
};

const SOURCES: Readonly<Record<EnterpriseData, Source>> = {
  enterprise: { table: 'enterprises', key: 'id::text', enterprise: 'id' },
  contract: { table: 'contracts', key: 'id::text', without: ['ending_told', 'ending_told_for'] },
  // Servers of before migration 0025 write `request`, and run beside this one during an upgrade. The version after the
  // first one that is released without them drops it, by `alter table sites drop column request`.
  site: { table: 'sites', key: 'id::text', without: ['request', 'key'] },
  license: { table: 'licenses', key: 'serial', without: ['renewal_request', 'renewal_key', 'told'] },
  'enrolment-token': {
    table: 'enrolment_tokens',
    key: 'id::text',
    without: ['hash', 'request', 'fingerprint', 'asked_request', 'asked_key'],
  },
  'trust-rule': { table: 'trust_rules', key: 'id::text' },
  'usage-report': { table: 'usage_reports', key: `site::text || ' ' || id::text` },
  alert: { table: 'alerts', key: 'id::text' },
  'renewal-incident': { table: 'renewal_incidents', key: 'id::text' },
  person: {
    table: 'people',
    key: 'id::text',
    without: ['password', 'totp', 'recovery_codes', 'invitation', 'invited_until'],
  },
  'api-token': { table: 'api_tokens', key: 'id::text', without: ['hash'] },
  webhook: { table: 'webhooks', key: 'id::text', without: ['secrets'] },
  'mail-recipient': { table: 'mail_recipients', key: 'id::text' },
  'request-quota': { table: 'request_quotas', key: 'month::text' },
};

const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Of a pseudonym in place of a name: it is one and the same, and says nothing. */
const PSEUDONYM = `'erased-' || right(replace(id::text, '-', ''), 12)`;

const CHANGED = 'updated_at = $2, version = version + 1';

const ERASING: Readonly<Record<string, string>> = {
  enterprises: `update enterprises set slug = ${PSEUDONYM}, name = ${PSEUDONYM}, labels = '{}', ${CHANGED}
    where id = $1 returning 1`,
  contracts: `update contracts set labels = '{}', ${CHANGED} where enterprise = $1 returning 1`,
  sites: `update sites set name = ${PSEUDONYM}, labels = '{}', fingerprints = '[]', ${CHANGED}
    where enterprise = $1 returning 1`,
  enrolmentTokens: `update enrolment_tokens
      set name = null, fingerprint = null, asked_name = null, withdrawn_at = coalesce(withdrawn_at, $2)
    where enterprise = $1 returning 1`,
  sessions: `update sessions set revoked_at = $2, ${CHANGED}
    where revoked_at is null and person in (select id from people where enterprise = $1) returning 1`,
  people: `update people
      set status = 'erased', roles = '[]', email = null, name = null, password = null, totp = null,
          recovery_codes = '[]', invitation = null, invited_until = null, issuer = null, subject = null, ${CHANGED}
    where enterprise = $1 and status <> 'erased' returning 1`,
  apiTokens: `update api_tokens set name = ${PSEUDONYM}, revoked_at = coalesce(revoked_at, $2), ${CHANGED}
    where enterprise = $1 returning 1`,
  deliveries: `delete from deliveries where $2::timestamptz is not null and receiver in (
      select id from webhooks where enterprise = $1 union select id from mail_recipients where enterprise = $1)
    returning 1`,
  webhooks: 'delete from webhooks where enterprise = $1 and $2::timestamptz is not null returning 1',
  mailRecipients: 'delete from mail_recipients where enterprise = $1 and $2::timestamptz is not null returning 1',
  trustRules: `update trust_rules set name = ${PSEUDONYM}, status = 'off', ${CHANGED}
    where enterprise = $1 returning 1`,
};

export const personalData: PersonalData = {
  async ofEnterprise(tx: Transaction, enterprise, kind, { after, limit }) {
    const { table, key, enterprise: column = 'enterprise', without = [] } = SOURCES[kind];
    const found = await sql(tx).query<{ key: string; row: Record<string, unknown> }>(
      `select (${key}) collate "C" as key, to_jsonb(t) - $4::text[] as row from ${table} t
        where ${column} = $1 and ($2::text is null or (${key}) collate "C" > $2)
        order by (${key}) collate "C" limit $3`,
      [enterprise, after ?? null, limit + 1, without],
    );
    const rows = found
      .slice(0, limit)
      .map(({ row }) => Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value])));
    return { rows, next: found.length > limit ? found[limit - 1]?.key : undefined };
  },

  async eraseEnterprise(tx, enterprise, at) {
    const counts: Record<string, number> = {};
    for (const [kind, statement] of Object.entries(ERASING)) {
      counts[kind] = (await sql(tx).query(statement, [enterprise, at])).length;
    }
    return counts;
  },
};
