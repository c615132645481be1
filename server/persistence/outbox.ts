import { LicetError } from '../licensing/errors.ts';
import type { Claim, DeadLetter, Outbox, OutboxEvent } from '../licensing/ports/outbox.ts';
import { columns } from './columns.ts';
import { sql } from './transactions.ts';

/** Of an error message; the whole story is in the log. */
const MAX_ERROR = 2_000;

/**
 * How long a delivery may have to wait: one that was tried for the pause after it, at the most, one that is new or under way
 * for less than any lease.
 */
export const longestWait = (pause: string): string =>
  `case when attempts = 0 or claim is not null then interval '10 minutes' else interval '${pause}' end`;

export const outbox: Outbox = {
  async subscribe(tx, subscriber, types) {
    await sql(tx).query(
      `insert into outbox_subscribers as known (subscriber, types) values ($1, $2)
       on conflict (subscriber) do update set types = excluded.types where known.types is distinct from excluded.types`,
      [subscriber, types ?? null],
    );
  },

  async unsubscribe(tx, subscriber) {
    await sql(tx).query('delete from outbox_subscribers where subscriber = $1', [subscriber]);
  },

  async publish(tx, events) {
    if (events.length === 0) return [];
    const rows = await sql(tx).prepared<{ id: string }>(
      `with event as (
         insert into outbox_events (organization, stream, type, payload, at)
         select organization, stream, type, payload::jsonb, at
           from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) with ordinality
             as e(organization, stream, type, payload, at, number)
          order by number
         returning position, id, organization, stream, type, payload, at
       ), told as (${TELL_RECEIVERS}
       ), delivery as (
         insert into outbox_deliveries (subscriber, position, organization, stream)
         select subscriber, position, organization, stream
           from event join outbox_subscribers on types is null or type = any(types)
       )
       select id from event order by position`,
      columns(
        events,
        ({ organization }) => organization,
        ({ stream }) => stream,
        ({ type }) => type,
        ({ payload }) => JSON.stringify(payload),
        ({ at }) => at,
      ),
    );
    return rows.map((row) => row.id);
  },

  async claim(tx, subscriber, limit, leaseSeconds) {
    const rows = await sql(tx).query<StoredClaim>(
      `with due as (
         select position from outbox_deliveries as d
          where subscriber = $1 and died_at is null and due_at <= clock_timestamp()
            and not exists (
              select 1 from outbox_deliveries as before
               where before.subscriber = $1 and before.stream = d.stream and before.position < d.position)
          order by due_at, position limit $2 for update skip locked
       ), claimed as (
         update outbox_deliveries as d
            set claim = gen_random_uuid(), attempts = attempts + 1,
                due_at = clock_timestamp() + make_interval(secs => $3)
           from due where d.subscriber = $1 and d.position = due.position
         returning d.position, d.claim, d.attempts
       )
       select claim, attempts, ${EVENT} from claimed join outbox_events as e using (position) order by position`,
      [subscriber, limit, leaseSeconds],
    );
    return rows.map((row) => ({
      subscriber,
      event: eventOf(row),
      token: row.claim,
      attempts: row.attempts,
    }));
  },

  async settle(tx, claim) {
    const rows = await sql(tx).query(`delete from outbox_deliveries where ${MINE} returning 1`, identity(claim));
    if (rows.length === 1) return;
    const message = `The delivery of event ${claim.event.id} took too long and was given to another.`;
    throw new LicetError('stale', 'OUTBOX_CLAIM_LOST', message);
  },

  async fail(tx, claim, error, retryInSeconds) {
    const dead = retryInSeconds === 'dead';
    await sql(tx).query(
      `update outbox_deliveries
          set claim = null, error = $4, due_at = clock_timestamp() + make_interval(secs => $5),
              died_at = case when $6 then clock_timestamp() end
        where ${MINE}`,
      [...identity(claim), error.slice(0, MAX_ERROR).replaceAll('\0', ''), dead ? 0 : retryInSeconds, dead],
    );
  },

  async backlog(tx) {
    const rows = await sql(tx).query<StoredBacklog>(
      `select subscriber, count(position) as waiting, count(died_at) as dead,
              coalesce(extract(epoch from clock_timestamp() - min(published_at)), 0)::float8 as oldest
         from outbox_subscribers left join outbox_deliveries using (subscriber) left join outbox_events using (position)
        group by subscriber order by subscriber`,
    );
    return rows.map(({ subscriber, waiting, dead, oldest }) => ({
      subscriber,
      waiting: Number(waiting) - Number(dead),
      dead: Number(dead),
      oldestSeconds: oldest,
    }));
  },

  async deadLetters(tx, subscriber, limit, after) {
    const rows = await sql(tx).query<StoredLetter>(
      `select d.attempts, d.error, d.died_at, ${EVENT}
         from outbox_deliveries as d join outbox_events as e using (position)
        where d.subscriber = $1 and d.died_at is not null
          and position > coalesce((select position from outbox_events where id = $2), 0)
        order by position limit $3`,
      [subscriber, after ?? null, limit],
    );
    return rows.map((row): DeadLetter => ({
      subscriber,
      event: eventOf(row),
      attempts: row.attempts,
      error: row.error,
      diedAt: row.died_at,
    }));
  },

  async replay(tx, subscriber, eventId) {
    const rows = await sql(tx).query(
      `update outbox_deliveries set died_at = null, attempts = 0, due_at = clock_timestamp()
        where ${DEAD} returning 1`,
      [subscriber, eventId],
    );
    return rows.length === 1;
  },

  async discard(tx, subscriber, eventId) {
    const rows = await sql(tx).query(`delete from outbox_deliveries where ${DEAD} returning 1`, [subscriber, eventId]);
    return rows.length === 1;
  },

  async recall(tx) {
    await sql(tx).query(
      `update outbox_deliveries set due_at = clock_timestamp()
        where died_at is null and due_at > clock_timestamp() + ${longestWait('6 hours')}`,
    );
  },

  async prune(tx, days, limit) {
    const rows = await sql(tx).query(
      `delete from outbox_events where position in (
         select position from outbox_events as e
          where published_at < clock_timestamp() - make_interval(days => $1)
            and not exists (select 1 from outbox_deliveries as d where d.position = e.position)
          order by published_at limit $2)
       returning 1`,
      [days, limit],
    );
    return rows.length;
  },
};

/** Mails wait for what else there is to tell: ten licenses that expire together are one mail. */
const MAIL_GATHERS_SECONDS = 30;

/** Whoever outside hears of it gets a copy, in the same statement: with no receiver there is nothing to look through. */
const TELL_RECEIVERS = `
         insert into deliveries (organization, channel, receiver, event, type, payload, at, due_at)
         select e.organization, r.channel, r.id, e.id, e.type, e.payload, e.at,
                clock_timestamp() + make_interval(secs => r.gathers)
           from event as e join (
                  select 'webhook' as channel, 0 as gathers, organization, id, events, alert_kinds, enterprise
                    from webhooks where status = 'active'
                  union all
                  select 'mail', ${MAIL_GATHERS_SECONDS}, organization, id, events, alert_kinds, enterprise
                    from mail_recipients where status = 'active'
                ) as r using (organization)
          where r.events ?| array['*', split_part(e.type, '.', 1) || '.*', e.type]
            and (r.alert_kinds = '[]' or e.type not like 'alert.%' or r.alert_kinds ? (e.payload ->> 'kind'))
            and (r.enterprise is null or e.stream = 'enterprise:' || r.enterprise
                 or r.enterprise::text in (e.payload ->> 'enterprise', e.payload ->> 'enterpriseId'))
          order by e.position`;

const EVENT = 'e.id, e.organization, e.stream, e.type, e.payload, e.at';
const MINE = 'subscriber = $1 and claim = $3 and position = (select position from outbox_events where id = $2)';
const DEAD =
  'subscriber = $1 and died_at is not null and position = (select position from outbox_events where id = $2)';

type StoredClaim = OutboxEvent & { claim: string; attempts: number };
type StoredLetter = OutboxEvent & { attempts: number; error: string; died_at: Date };
type StoredBacklog = { subscriber: string; waiting: string; dead: string; oldest: number };

function identity(claim: Claim): [string, string, string] {
  return [claim.subscriber, claim.event.id, claim.token];
}

function eventOf({ id, organization, stream, type, payload, at }: OutboxEvent): OutboxEvent {
  return { id, organization, stream, type, payload, at };
}
