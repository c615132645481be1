import type { Channel, Delivery } from '../../licensing/model/delivery.ts';
import { isId } from '../../licensing/model/id.ts';
import type { Deliveries, DeliveryClaim } from '../../licensing/ports/deliveries.ts';
import { longestWait } from '../outbox.ts';
import { sql } from '../transactions.ts';
import { pageOf, startOf } from './page.ts';

/** Of an error message; the whole story is in the log. */
const MAX_ERROR = 500;

const COLUMNS = `id, organization, channel, receiver, event, type, payload, at, secret, status, attempts,
  due_at as "dueAt", answer, error, written_at as "writtenAt", ended_at as "endedAt"`;

type Row = { [K in keyof Delivery]: Delivery[K] | null };
type ClaimRow = Row & { token: string };

const deliveryOf = (row: Row): Delivery =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Delivery;

/** Of each channel, whom there is something to deliver to. Invitations go to people, whom nobody has to subscribe. */
const RECEIVERS: Readonly<Record<Channel, string>> = {
  webhook: `select id from webhooks where status = 'active'`,
  mail: `select id from mail_recipients where status = 'active'
         union
         select receiver from deliveries where status = 'waiting' and channel = 'mail' and secret is not null`,
};

const MINE = `id = $1 and claim = $2 and status = 'waiting'`;
const AGAIN = `status = 'waiting', attempts = 0, due_at = clock_timestamp(), ended_at = null, claim = null,
  answer = null, error = null, written_at = clock_timestamp()`;

export const deliveries: Deliveries = {
  async write(tx, { organization, channel, receiver, event, type, payload, at, secret }) {
    await sql(tx).query(
      `insert into deliveries (organization, channel, receiver, event, type, payload, at, secret)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [organization, channel, receiver, event, type, JSON.stringify(payload), at, secret ?? null],
    );
  },

  async claim(tx, channel, { limit, each, busy }, leaseSeconds) {
    const rows = await sql(tx).query<ClaimRow>(
      `with receiver as (${RECEIVERS[channel]}), due as (
         select d.number from receiver r cross join lateral (
           select number, due_at from deliveries
            where receiver = r.id and status = 'waiting' and due_at <= clock_timestamp()
            order by due_at, number limit $2 for update skip locked) d
          where r.id <> all($3::uuid[])
          order by d.due_at, d.number limit $1
       )
       update deliveries d
          set claim = gen_random_uuid(), attempts = attempts + 1,
              due_at = clock_timestamp() + make_interval(secs => $4)
         from due where d.number = due.number
       returning ${COLUMNS}, claim as token`,
      [limit, each, busy, leaseSeconds],
    );
    return rows.map(({ token, ...row }): DeliveryClaim => ({ ...deliveryOf(row), token }));
  },

  async settle(tx, { id, token }, answer) {
    await sql(tx).query(
      `with done as (
         update deliveries set status = 'delivered', answer = $3, error = null, ended_at = clock_timestamp()
          where ${MINE} returning receiver
       )
       update webhooks set failing_since = null
        where id = (select receiver from done) and failing_since is not null`,
      [id, token, answer],
    );
  },

  async fail(tx, { id, token }, { answer, error }, retryInSeconds) {
    const isDead = retryInSeconds === 'dead';
    const rows = await sql(tx).query<{ seconds: number }>(
      `with failed as (
         update deliveries
            set claim = null, answer = $3, error = $4, due_at = clock_timestamp() + make_interval(secs => $5),
                status = case when $6 then 'dead' else status end,
                ended_at = case when $6 then clock_timestamp() end
          where ${MINE} returning receiver
       )
       update webhooks set failing_since = coalesce(failing_since, clock_timestamp())
        where id = (select receiver from failed)
       returning extract(epoch from clock_timestamp() - failing_since)::float8 as seconds`,
      [id, token, answer ?? null, textOf(error), isDead ? 0 : retryInSeconds, isDead],
    );
    return rows[0]?.seconds;
  },

  async giveUp(tx, receiver, error) {
    const rows = await sql(tx).query(
      `update deliveries set status = 'dead', claim = null, error = coalesce(error, $2), ended_at = clock_timestamp()
        where receiver = $1 and status = 'waiting' returning 1`,
      [receiver, textOf(error)],
    );
    return rows.length;
  },

  async list(tx, { receiver, status, after, limit }) {
    if (!isId(receiver)) return { items: [], next: undefined };
    const rows = await sql(tx).query<Row>(
      `select ${COLUMNS} from deliveries
        where receiver = $1 and ($2::text is null or status = $2)
          and ($3::uuid is null or number > (select number from deliveries where id = $3))
        order by number limit $4`,
      [receiver, status ?? null, startOf(after), limit + 1],
    );
    return pageOf(rows.map(deliveryOf), limit);
  },

  async replay(tx, receiver, id) {
    if (!isId(id)) return false;
    const rows = await sql(tx).query(
      `update deliveries set ${AGAIN} where id = $1 and receiver = $2 and status <> 'waiting' returning 1`,
      [id, receiver],
    );
    return rows.length === 1;
  },

  async replayDead(tx, receiver, since) {
    const rows = await sql(tx).query(
      `update deliveries set ${AGAIN}
        where receiver = $1 and status = 'dead' and ($2::timestamptz is null or at >= $2) returning 1`,
      [receiver, since ?? null],
    );
    return rows.length;
  },

  async discard(tx, receiver, id) {
    if (!isId(id)) return false;
    const rows = await sql(tx).query(
      `delete from deliveries where id = $1 and receiver = $2 and status = 'dead' returning 1`,
      [id, receiver],
    );
    return rows.length === 1;
  },

  async forget(tx, receiver) {
    await sql(tx).query('delete from deliveries where receiver = $1', [receiver]);
  },

  async recall(tx) {
    await sql(tx).query(
      `update deliveries set due_at = clock_timestamp()
        where status = 'waiting' and due_at > clock_timestamp() + ${longestWait('42 hours')}`,
    );
  },

  async prune(tx, days, limit) {
    const rows = await sql(tx).query(
      `delete from deliveries where number in (
         select number from deliveries where written_at < clock_timestamp() - make_interval(days => $1)
          order by written_at limit $2)
       returning 1`,
      [days, limit],
    );
    return rows.length;
  },
};

const textOf = (error: string): string => error.slice(0, MAX_ERROR).replaceAll('\0', '');
