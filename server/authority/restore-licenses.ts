import { hash } from 'node:crypto';
import type { RevocationRecord } from '@licet/authority';
import { decodeCertificate, decodeClaims, OID, toHex } from '@licet/format';
import { newId } from '../licensing/model/id.ts';
import type { AuditEvent, AuditLog } from '../licensing/ports/audit-log.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Transaction } from '../licensing/ports/transactions.ts';
import type { JournalDeps } from './journal-watch.ts';
import type { FoundCertificate } from './ports/certificates.ts';
import type { SerialNumber } from './ports/journal-marks.ts';
import type { Homeless, LicenseRecords, ToldLicense } from './ports/license-records.ts';

export type LicenseRestoring = Pick<JournalDeps, 'transactions' | 'directory' | 'clock'> & {
  readonly licenses: LicenseRecords;
  readonly auditLog: AuditLog;
  readonly random: Random;
};

export type RestoredLicenses = {
  readonly licenses: number;
  readonly sites: number;
  /** Sites that could not be put back, each once, with the reason. */
  readonly homeless: ReadonlyMap<string, Homeless>;
};

type Orders = () => AsyncIterable<readonly SerialNumber[]>;

/**
 * The domain's side of what was issued and revoked after a backup: licenses, their ratchets and seats, as far as
 * certificates and journal tell. May be interrupted and run again.
 *
 * Revocations are followed before sites are made, since the name and the seat of a new site may be those of one that was
 * retired meanwhile; and once more for the sites that were made.
 */
export async function restoreLicenses(
  deps: LicenseRestoring,
  orders: Orders,
  changes: readonly RevocationRecord[],
): Promise<RestoredLicenses> {
  const total = { licenses: 0, sites: 0, homeless: new Map<string, Homeless>() };
  const follow = () => deps.transactions.run('platform', (tx) => deps.licenses.follow(tx, changes, deps.clock.now()));
  for (const makeSites of [false, true]) {
    for await (const page of orders()) {
      const done = await deps.transactions.run('platform', (tx) => restorePage(deps, tx, page, makeSites));
      total.licenses += done.licenses;
      total.sites += done.sites;
      for (const [lineage, reason] of done.homeless) total.homeless.set(lineage, reason);
    }
    await follow();
  }
  return total;
}

async function restorePage(
  deps: LicenseRestoring,
  tx: Transaction,
  page: readonly SerialNumber[],
  makeSites: boolean,
): Promise<RestoredLicenses> {
  const done = { licenses: 0, homeless: new Map<string, Homeless>() };
  const told = await Promise.all((await deps.licenses.forgotten(tx, page)).map((found) => toldBy(found, deps)));
  const made: ToldLicense[] = [];
  const spent: AuditEvent[] = [];
  const at = deps.clock.now();
  for (const license of told.toSorted((one, other) => one.sequence - other.sequence)) {
    const outcome = await restoreOne(deps, tx, license, at, makeSites);
    if (outcome === 'contract' || outcome === 'name') done.homeless.set(license.lineage, outcome);
    if (outcome === 'adopted') made.push(license);
    if (outcome !== 'known' && outcome !== 'adopted') continue;
    done.licenses += 1;
    spent.push(...(await spentWith(deps, tx, license, at)));
  }
  const entries = [...made.map((license) => auditEntryOf(license, at)), ...spent];
  if (entries.length > 0) await deps.auditLog.append(tx, entries);
  return { ...done, sites: made.length };
}

async function restoreOne(
  { licenses, clock, random }: LicenseRestoring,
  tx: Transaction,
  license: ToldLicense,
  at: Date,
  makeSites: boolean,
): Promise<'known' | 'later' | 'adopted' | Homeless> {
  if (await licenses.restore(tx, license, at)) return 'known';
  if (!makeSites) return 'later';
  const outcome = await licenses.adopt(tx, license, newId(clock, random), at);
  if (outcome === 'adopted') await licenses.restore(tx, license, at);
  return outcome;
}

/** A token that was used after the backup looks unused in it, and would install the site once more. */
async function spentWith(
  { licenses }: LicenseRestoring,
  tx: Transaction,
  license: ToldLicense,
  at: Date,
): Promise<AuditEvent[]> {
  const { organization, sequence, isBuild, lineage } = license;
  if (sequence !== 1 || isBuild) return [];
  const ids = await licenses.spendTokens(tx, license, at);
  const common = { organization, at, actor: 'system:reconcile', action: 'token.withdrawn', details: { lineage } };
  return ids.map((id) => ({ ...common, subject: `token:${id}` }));
}

function auditEntryOf({ organization, lineage, contract, mode }: ToldLicense, at: Date): AuditEvent {
  const subject = `lineage:${lineage}`;
  return {
    organization,
    at,
    actor: 'system:reconcile',
    action: 'site.reconciled',
    subject,
    details: { contract, mode },
  };
}

/** Who the customer is stands in the CA that issued it: its contract. */
async function toldBy(
  { issuer, certificate: der }: FoundCertificate,
  { directory }: Pick<LicenseRestoring, 'directory'>,
): Promise<ToldLicense> {
  const { serial, subject, publicKey, notBefore, notAfter, extensions } = decodeCertificate(Uint8Array.from(der));
  const claims = decodeClaims(extensions.all.find(({ oid }) => oid === OID.licenseClaims)!.value);
  const authority = (await directory.find(issuer))?.authority;
  const { digests } = claims.binding ?? {};
  return {
    organization: authority?.organization ?? '',
    serial: toHex(serial),
    issuer,
    contract: authority?.contract ?? '',
    site: subject.rdns.flat().find(({ oid }) => oid === OID.commonName)?.value ?? '',
    mode: claims.modes[0]!,
    fingerprints: Array.isArray(digests) ? digests : [],
    shares: sharesIn(claims.limits),
    lineage: claims.id,
    isBuild: claims.grace === 0 && notAfter.getTime() - notBefore.getTime() <= BUILD_MOST_MS,
    sequence: claims.sequence,
    publicKey: hash('sha256', publicKey.raw, 'buffer'),
    notBefore,
    notAfter,
    grace: claims.grace,
  };
}

/** As long as a trust rule may say, and by how much certificates are dated back. */
const BUILD_MOST_MS = 25 * 3_600_000;

/** What a license says of a pool is the share of its site (`siteClaims`). */
function sharesIn(limits: ReturnType<typeof decodeClaims>['limits']): ToldLicense['shares'] {
  return Object.fromEntries(
    limits.flatMap(({ code, scope, max }) => (scope === 'pool' && max !== 'unlimited' ? [[code, max]] : [])),
  );
}
