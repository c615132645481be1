import { createHash } from 'node:crypto';
import { LicetError } from '../licensing/errors.ts';
import type { IdempotencyClaim, IdempotencyKeys, KeptAnswer, KeyedRequest } from '../licensing/ports/idempotency.ts';
import type { Sql } from './session.ts';
import { sql } from './transactions.ts';

const USABLE_KEY = /^[\x21-\x7e]{1,255}$/;
const LEAST_RETENTION_HOURS = 24;
/** Most answers are a few milliseconds away; after a crash the client asks a few times more. */
const RETRY_AFTER_SECONDS = 1;

export const idempotencyKeys: IdempotencyKeys = {
  async begin(tx, request, leaseSeconds) {
    if (!USABLE_KEY.test(request.key)) throw unusable();
    for (;;) {
      const token = await claim(sql(tx), request, leaseSeconds);
      const { organization, principal, key } = request;
      if (token !== undefined) return { claim: { organization, principal, key, token } };
      const answer = await answerOf(sql(tx), request);
      if (answer !== undefined) return { answer };
      // The key was released between the two statements: it is free now.
    }
  },

  async finish(tx, claim, answer, retentionHours) {
    if (retentionHours < LEAST_RETENTION_HOURS) {
      throw new RangeError(`An answer is kept for at least ${LEAST_RETENTION_HOURS} hours.`);
    }
    const rows = await sql(tx).query(
      `update idempotency_keys
          set status = $5, headers = $6, body = $7, expires_at = clock_timestamp() + make_interval(hours => $8)
        where ${MINE} returning 1`,
      [...identity(claim), answer.status, JSON.stringify(answer.headers), Buffer.from(answer.body), retentionHours],
    );
    if (rows.length === 1) return;
    const message = 'The request took too long and was begun again by another attempt; repeat it with the same key.';
    throw new LicetError('conflict', 'IDEMPOTENCY_CLAIM_LOST', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  },

  async release(tx, claim) {
    await sql(tx).query(`delete from idempotency_keys where ${MINE}`, identity(claim));
  },

  async prune(tx, limit) {
    const rows = await sql(tx).query(
      `delete from idempotency_keys where (organization, principal, key) in (
         select organization, principal, key from idempotency_keys where expires_at <= clock_timestamp()
          order by expires_at limit $1 for update skip locked)
       returning 1`,
      [limit],
    );
    return rows.length;
  },
};

const MINE = 'organization = $1 and principal = $2 and key = $3 and claim = $4 and status is null';

function identity(claim: IdempotencyClaim): string[] {
  return [claim.organization, claim.principal, claim.key, claim.token];
}

/** A claim that ran out is open to the same request; a key whose retention ran out is open to any. */
async function claim(session: Sql, request: KeyedRequest, leaseSeconds: number): Promise<string | undefined> {
  const [row] = await session.query<{ claim: string }>(
    `insert into idempotency_keys as kept
            (organization, principal, key, fingerprint, claim, claimed_until, expires_at)
     select $1, $2, $3, $4, gen_random_uuid(), until, until + make_interval(hours => $6)
       from (select clock_timestamp() + make_interval(secs => $5)) as lease(until)
     on conflict (organization, principal, key) do update
       set fingerprint = excluded.fingerprint, claim = excluded.claim, claimed_until = excluded.claimed_until,
           expires_at = excluded.expires_at, status = null, headers = null, body = null
     where kept.expires_at <= clock_timestamp()
        or (kept.status is null and kept.claimed_until <= clock_timestamp() and kept.fingerprint = excluded.fingerprint)
     returning claim`,
    [...owner(request), fingerprint(request), leaseSeconds, LEAST_RETENTION_HOURS],
  );
  return row?.claim;
}

async function answerOf(session: Sql, request: KeyedRequest): Promise<KeptAnswer | undefined> {
  const [row] = await session.query<StoredAnswer>(
    `select fingerprint, status, headers, body from idempotency_keys
      where organization = $1 and principal = $2 and key = $3`,
    owner(request),
  );
  if (row === undefined) return undefined;
  if (!row.fingerprint.equals(fingerprint(request))) throw reused();
  if (row.status === null) throw inFlight();
  return { status: row.status, headers: row.headers, body: row.body.toString('utf8') };
}

type StoredAnswer = { fingerprint: Buffer } & (
  { status: number; headers: Record<string, string>; body: Buffer } | { status: null }
);

function owner(request: KeyedRequest): string[] {
  return [request.organization, request.principal, request.key];
}

/** Neither a method nor a path contains a line feed, so no two requests have the same text. */
function fingerprint(request: KeyedRequest): Buffer {
  return createHash('sha256').update(`${request.method}\n${request.route}\n`).update(request.body).digest();
}

function unusable(): LicetError {
  const message = 'An idempotency key is 1 to 255 visible ASCII characters; use a fresh random one for each operation.';
  return new LicetError('invalid', 'IDEMPOTENCY_KEY_INVALID', message);
}

function reused(): LicetError {
  const message = 'This idempotency key was used for another request; use a fresh one for each operation.';
  return new LicetError('conflict', 'IDEMPOTENCY_KEY_REUSED', message);
}

function inFlight(): LicetError {
  const message = 'The same request is being worked on; repeat it in a moment to get its answer.';
  return new LicetError('conflict', 'IDEMPOTENCY_IN_FLIGHT', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
