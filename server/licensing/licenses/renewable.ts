import { assertInForce } from '../contracts/in-force.ts';
import { LicetError } from '../errors.ts';
import type { RenewalCase } from '../ports/licenses.ts';

/** Whether the license may be renewed now, whoever asks. The one who asks is told why not, and what to do. */
export function assertRenewable(found: RenewalCase, at: Date): void {
  const { license, lineage, site, contract, settings } = found;
  // Ordered by how final it is, so that the answer names what would remain when all else was settled.
  if (site.status === 'retired' || lineage.status === 'closed' || site.lineage !== lineage.id) {
    throw refusal('SITE_RETIRED', 'The site was retired or installed anew; this license cannot be renewed any more.');
  }
  if (license.status === 'revoked') throw refusal('LICENSE_REVOKED', 'The license is revoked; enrol the site anew.');
  if (site.status === 'suspended' || license.status === 'suspended') {
    throw refusal('SITE_SUSPENDED', 'The site is suspended; settle that with the vendor, then try again.');
  }
  if (site.trustRule !== undefined) {
    const message =
      'A license of a build or workload is not renewed; have its identity token exchanged for another one.';
    throw refusal('LICENSE_NOT_RENEWED', message);
  }
  assertInForce(found, at);
  const last = new Date(license.notAfter.getTime() + contract.terms.graceSeconds * 1000);
  if (at > last) {
    const message = `The license expired at ${license.notAfter.toISOString()} and its grace is over; enrol the site anew.`;
    throw refusal('LICENSE_EXPIRED', message);
  }
  if (lineage.status === 'forked' && settings.onFork === 'quarantine-both') throw cloneSuspected();
}

export function cloneSuspected(): LicetError {
  return refusal(
    'CLONE_SUSPECTED',
    'This license is used on two machines; it is renewed again when an operator has chosen the one that counts.',
  );
}

const refusal = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);
