import { type CrashHook, type Issuer, type IssueRequest, loadProfiles } from '@licet/authority';
import { type Certificate, decodeCertificate, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Delegation } from '../licensing/ports/delegation.ts';
import { type Issuance, type IssuedLicense, licenseContext, type LicenseOrder } from '../licensing/ports/issuance.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';
import { type Directory, type Opened, shownChain } from './directory.ts';
import type { Enterprises } from './enterprises.ts';
import { asLicetError, translated } from './errors.ts';
import type { Fence } from './fence.ts';
import { checkFirstRequest, keyOwnerOf } from './first-request.ts';
import { createLicenseFinder, type FoundIssued, type LicenseFinder } from './license-finder.ts';
import type { CertificateFinder } from './ports/certificates.ts';

export type IssuanceDeps = {
  readonly issuer: Issuer;
  readonly enterprises: Enterprises;
  readonly directory: Directory;
  readonly fence: Fence;
  readonly transactions: Transactions;
  readonly certificates: CertificateFinder;
  readonly delegation: Delegation;
  readonly crashPoint: CrashHook;
};

const PROFILE = loadProfiles().site;

/** Licenses, as the domain orders them. */
export function createIssuance(deps: IssuanceDeps): Issuance {
  const finder = createLicenseFinder(deps);
  return {
    async issue(order) {
      try {
        deps.fence.assertOpen();
        deps.crashPoint('issue.authorized');
        return await issue(deps, finder, order);
      } catch (error) {
        throw asLicetError(error);
      }
    },
    checkRequest: (tx, csr, lineage) => translated(checkFirstRequest(deps, tx, csr, lineage)),
    find: (organization, serial) => asIssued(finder.find({ organization, serial })),
    async look(tx, names) {
      return (await finder.look(tx, names)).map((find) => () => asIssued(find()));
    },
    checkContract: ({ contract, ...customer }) => deps.enterprises.check(customer, contract),
    obstacles: (of, site) => deps.enterprises.obstacles(of, site),
    delegation: deps.delegation,
  };
}

async function issue(deps: IssuanceDeps, finder: LicenseFinder, order: LicenseOrder): Promise<IssuedLicense> {
  const { organization, enterprise, site, claims, contract, facts } = order;
  const by = await deps.enterprises.ensure({ organization, enterprise }, contract);
  const { certificate, fresh } = await deps.issuer.issue({
    profile: PROFILE,
    issuer: by.generation,
    key: await keyOf(finder, order),
    subject: { organization, enterprise, commonName: site },
    claims,
    contract,
    ...(order.until && { until: order.until }),
    principal: `license ${order.ground}`,
    keyOwner: keyOwnerOf(facts.lineage),
    context: licenseContext(facts),
  });
  return licenseOf(decodeCertificate(certificate), by, fresh);
}

/** A key that was certified before: that its holder has the private half was shown then. */
async function keyOf(finder: LicenseFinder, { key, organization }: LicenseOrder): Promise<IssueRequest['key']> {
  if ('csr' in key) return key;
  const found = await finder.find({ organization, serial: key.licensed });
  if (found === undefined) {
    throw new LicetError('not-found', 'LICENSE_UNKNOWN', 'There is no license with this serial.');
  }
  return { held: { publicKey: found.certificate.publicKey.raw } };
}

async function asIssued(looking: Promise<FoundIssued | undefined>): Promise<IssuedLicense | undefined> {
  const found = await looking;
  return found && licenseOf(found.certificate, found.by, false);
}

/** With the chain of today: a CA that was certified anew since has another certificate under the same key. */
function licenseOf(certificate: Certificate, by: Opened, fresh: boolean): IssuedLicense {
  const { serial, notBefore, notAfter, der } = certificate;
  return {
    serial: toHex(serial),
    chain: [der, ...shownChain(by).map((above) => above.der)],
    notBefore,
    notAfter,
    fresh,
  };
}
