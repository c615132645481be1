import type { CertificateFinder } from '../../authority/ports/certificates.ts';
import { sql } from '../transactions.ts';
import { bytea, hex, plain } from './columns.ts';

export const certificateFinder: CertificateFinder = {
  async license(tx, organization, serial) {
    // Through the domain's row, which knows the issuer: serials are unique to an issuer, and are indexed so.
    const [row] = await sql(tx).query<{ issuer: string; certificate: Buffer }>(
      `select c.issuer, c.certificate from licenses l
         join serials s on s.issuer = l.issuer_key and s.serial = $3
         join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until
        where l.organization = $1 and l.serial = $2`,
      [organization, hex(serial), bytea(serial)],
    );
    return row && { issuer: row.issuer, certificate: plain(row.certificate) };
  },
};
