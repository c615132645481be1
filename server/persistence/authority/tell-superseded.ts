import { claimsOf } from '../../licensing/licenses/claims-of.ts';
import type { NewEvent, Outbox } from '../../licensing/ports/outbox.ts';
import { columns } from '../columns.ts';
import { sql } from '../transactions.ts';
import type { Follower } from './revocation-store.ts';

type Row = { issuer: string; certificate: Buffer };

/**
 * Says of which contracts a CA certificate was superseded, whoever did it and also when the journal was replayed: the CA
 * must have another, or the sites below it stay without.
 */
export function createSupersededTeller(outbox: Outbox): Follower {
  return async function tell(tx, { organization, event, principal: actor }, ids, at) {
    if (event.type !== 'revoke' || event.reason !== 'superseded') return;
    const rows = await sql(tx).query<Row>(
      `select c.issuer, c.certificate from unnest($1::text[], $2::bytea[]) as g(issuer, serial)
         join certificates c on c.issuer = g.issuer and c.serial = g.serial and c.kept_until = '9999-12-31 00:00:00Z'
        where c.profile = 'enterprise'`,
      columns(
        ids,
        ({ issuer }) => issuer,
        ({ serial }) => serial,
      ),
    );
    const contracts = new Set(rows.map(({ certificate }) => claimsOf(certificate).id));
    await outbox.publish(
      tx,
      [...contracts].map((id): NewEvent => {
        const subject = `contract:${id}`;
        return { organization, stream: subject, type: 'contract.superseded', payload: { subject, actor }, at };
      }),
    );
  };
}
