import type { Context, Intent } from '@licet/authority';
import { decodeClaims, encodeClaims } from '@licet/format';
import { plain } from '../columns.ts';

export type IntentRow = {
  issuer: string;
  serial: Buffer;
  organization: string;
  enterprise: string | null;
  request: Buffer;
  csr: Buffer;
  public_key: Buffer;
  key_owner: string;
  tbs: Buffer;
  profile: string;
  profile_hash: Buffer;
  claims: Buffer | null;
  not_before: Date;
  not_after: Date;
  crl_shard: number;
  context: Context;
  at: Date;
};

/** Columns of `issue_intents` in order, each with its type for `unnest` and where it comes from. */
export const INTENT_COLUMNS: readonly (readonly [name: string, type: string, value: (intent: Intent) => unknown])[] = [
  ['issuer', 'text', (intent) => intent.issuer],
  ['serial', 'bytea', (intent) => intent.serial],
  ['organization', 'text', (intent) => intent.organization],
  ['enterprise', 'text', (intent) => intent.enterprise ?? null],
  ['request', 'bytea', (intent) => intent.request],
  ['csr', 'bytea', (intent) => intent.csr],
  ['public_key', 'bytea', (intent) => intent.publicKey],
  ['key_owner', 'text', (intent) => intent.keyOwner],
  ['tbs', 'bytea', (intent) => intent.tbs],
  ['profile', 'text', (intent) => intent.profile],
  ['profile_hash', 'bytea', (intent) => intent.profileHash],
  ['claims', 'bytea', (intent) => (intent.claims === undefined ? null : encodeClaims(intent.claims))],
  ['not_before', 'timestamptz', (intent) => intent.notBefore],
  ['not_after', 'timestamptz', (intent) => intent.notAfter],
  ['crl_shard', 'integer', (intent) => intent.crlShard],
  ['context', 'jsonb', (intent) => JSON.stringify(intent.context)],
  ['at', 'timestamptz', (intent) => intent.at],
];

/** For how many seconds the certificate can be used after its end. Without claims there is no license that could be. */
export const graceOf = ({ claims }: Pick<Intent, 'claims'>): number => claims?.grace ?? 0;

export function intentOf(row: IntentRow): Intent {
  return {
    issuer: row.issuer,
    serial: plain(row.serial),
    request: plain(row.request),
    csr: plain(row.csr),
    publicKey: plain(row.public_key),
    keyOwner: row.key_owner,
    tbs: plain(row.tbs),
    profile: row.profile,
    profileHash: plain(row.profile_hash),
    claims: row.claims === null ? undefined : decodeClaims(row.claims),
    organization: row.organization,
    enterprise: row.enterprise ?? undefined,
    notBefore: row.not_before,
    notAfter: row.not_after,
    crlShard: row.crl_shard,
    context: row.context,
    at: row.at,
  };
}
