import type { CertificateId, RevocationOrder } from '@licet/authority';
import type { NewEvent, Outbox } from '../../licensing/ports/outbox.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { columns, hex } from '../columns.ts';
import { sql } from '../transactions.ts';

type Row = { serial: string; issuer: string; site: string; enterprise: string; contract: string; lineage: string };

/** What a license becomes with the status of its certificate; one that was superseded when it was held is so again. */
const FOLLOWS = {
  revoke: { type: 'license.revoked', becomes: `'revoked'`, from: `l.status <> 'revoked'` },
  hold: { type: 'license.suspended', becomes: `'suspended'`, from: `l.status in ('current', 'superseded')` },
  reinstate: {
    type: 'license.reinstated',
    becomes: `case when coalesce(l.successor, l.reissued_as) is null then 'current' else 'superseded' end`,
    from: `l.status = 'suspended'`,
  },
} as const;

/**
 * What becomes true of licenses in the transaction that changes the status of their certificates. Where their rows say so
 * already (everything below an enterprise that was closed), nothing is changed or told twice.
 */
export function createLicenseFollower(outbox: Outbox) {
  return async function follow(
    tx: Transaction,
    { organization, event, principal: actor }: RevocationOrder,
    certificates: readonly CertificateId[],
    at: Date,
  ): Promise<void> {
    const { type, becomes, from } = FOLLOWS[event.type];
    const rows = await sql(tx).query<Row>(
      `update licenses l set status = ${becomes}
         from unnest($2::text[], $3::text[]) as g(issuer, serial)
        where l.organization = $1 and l.serial = g.serial and l.issuer_key = g.issuer and ${from}
       returning l.serial, l.issuer_key as issuer, l.site, l.enterprise, l.contract, l.lineage`,
      [
        organization,
        ...columns(
          certificates,
          ({ issuer }) => issuer,
          ({ serial }) => hex(serial),
        ),
      ],
    );
    const reason = event.type === 'revoke' ? { reason: event.reason } : {};
    await outbox.publish(
      tx,
      rows.map((row): NewEvent => {
        const subject = `lineage:${row.lineage}`;
        const payload = { ...row, ...reason, subject, actor };
        return { organization, stream: subject, type, payload, at };
      }),
    );
  };
}
