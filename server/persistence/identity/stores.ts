import type { IdentityStores } from '../../licensing/identity/ports.ts';
import type { TrustRule } from '../../licensing/identity/trust-rule.ts';
import { createCollection } from '../licensing/collection.ts';
import { entity, id, integer, json, optional, text } from '../licensing/schemas.ts';
import { sql } from '../transactions.ts';

export const trustRuleSchema = entity<TrustRule>('trust_rules', {
  name: text,
  status: text,
  enterprise: id,
  contract: id,
  mode: text,
  issuer: text,
  audience: text,
  keys: { ...text, nullable: true, transformer: optional },
  conditions: json,
  siteClaim: { ...text, name: 'site_claim' },
  lifetime: integer,
});

/** An organization has a handful; the limit only keeps a mistake from becoming an outage. */
const MOST_RULES = 1000;

export const identityStores: IdentityStores = {
  rules: {
    ...createCollection(trustRuleSchema, 'trust rule'),
    ofIssuer: (tx, issuer) =>
      sql(tx)
        .manager.getRepository(trustRuleSchema)
        .find({
          where: { issuer, status: 'active' },
          order: { id: 'asc' },
          take: MOST_RULES,
        }),
  },
  used: {
    async use(tx, { organization, issuer, id: token, expiresAt }, request) {
      // Of two at once the second waits for the first, and then sees its row.
      const rows = await sql(tx).query<{ request: Buffer }>(
        `insert into used_identities as u (organization, issuer, token, request, expires_at)
         values ($1, $2, $3, $4, $5)
         on conflict (organization, issuer, token) do update set expires_at = u.expires_at
         returning u.request`,
        [organization, issuer, token, Buffer.from(request), expiresAt],
      );
      return rows[0]?.request.equals(Buffer.from(request)) === true;
    },
    async release(tx, { organization, issuer, id: token }, request) {
      await sql(tx).query(
        'delete from used_identities where organization = $1 and issuer = $2 and token = $3 and request = $4',
        [organization, issuer, token, Buffer.from(request)],
      );
    },
    async prune(tx, at, limit) {
      const rows = await sql(tx).query(
        `delete from used_identities where (organization, issuer, token) in (
           select organization, issuer, token from used_identities where expires_at < $1
            order by expires_at limit $2 for update skip locked)
         returning 1`,
        [at, limit],
      );
      return rows.length;
    },
  },
};
