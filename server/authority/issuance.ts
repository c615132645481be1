import { createBatcher, type CrashHook, type Issuer, type IssueRequest, loadProfiles } from '@licet/authority';
import { type Certificate, decodeCertificate, fromHex, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Delegation } from '../licensing/ports/delegation.ts';
import { type Issuance, type IssuedLicense, licenseContext, type LicenseOrder } from '../licensing/ports/issuance.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import { remembered } from './certificate-memory.ts';
import type { Directory, Opened } from './directory.ts';
import type { Enterprises } from './enterprises.ts';
import { asLicetError, translated } from './errors.ts';
import type { Fence } from './fence.ts';
import type { CertificateFinder, FoundCertificate, LicenseName } from './ports/certificates.ts';

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
/** Certificates of one statement, and how many may wait for theirs. */
const LOOK_UPS = { batch: 256, queue: 4096 } as const;

/** Licenses, as the domain orders them. */
export function createIssuance(deps: IssuanceDeps): Issuance {
  const find = finder(deps);
  return {
    async issue(order) {
      try {
        deps.fence.assertOpen();
        deps.crashPoint('issue.authorized');
        return await issue(deps, find, order);
      } catch (error) {
        throw asLicetError(error);
      }
    },
    async find(organization, serial) {
      const found = await find(organization, serial);
      return found && licenseOf(found.certificate, found.by, false);
    },
    checkContract: ({ contract, ...customer }) => deps.enterprises.check(customer, contract),
    delegation: deps.delegation,
  };
}

async function issue(deps: IssuanceDeps, find: Find, order: LicenseOrder): Promise<IssuedLicense> {
  const { organization, enterprise, site, claims, contract, facts } = order;
  const by = await deps.enterprises.ensure({ organization, enterprise }, contract);
  const { certificate, fresh } = await deps.issuer.issue({
    profile: PROFILE,
    issuer: by.generation,
    key: await keyOf(find, order),
    subject: { organization, enterprise, commonName: site },
    claims,
    contract,
    ...(order.until && { until: order.until }),
    principal: `license ${order.ground}`,
    keyOwner: `lineage ${facts.lineage}`,
    context: licenseContext(facts),
  });
  return licenseOf(decodeCertificate(certificate), by, fresh);
}

/** A key that was certified before: that its holder has the private half was shown then. */
async function keyOf(find: Find, { key, organization }: LicenseOrder): Promise<IssueRequest['key']> {
  if ('csr' in key) return key;
  const found = await find(organization, key.licensed);
  if (found === undefined) {
    throw new LicetError('not-found', 'LICENSE_UNKNOWN', 'There is no license with this serial.');
  }
  return { held: { publicKey: found.certificate.publicKey.raw } };
}

type Find = (organization: string, serial: string) => Promise<{ certificate: Certificate; by: Opened } | undefined>;

/**
 * Certificates by their serials, each read and decoded once, those that are asked for together in one look; who stands
 * above it is asked for anew each time.
 */
function finder({ transactions, certificates, directory }: IssuanceDeps): Find {
  const lookUps = createBatcher<LicenseName, FoundCertificate | undefined>({
    name: 'licenses',
    async work(names) {
      const look = (tx: Transaction) => certificates.licenses(tx, names);
      return (await transactions.run('platform', look, { readOnly: true })).map((value) => ({ value }));
    },
    ...LOOK_UPS,
    lanes: 1,
  });
  const certificateOf = remembered(async (id) => {
    const [organization = '', serial = ''] = id.split(' ');
    const found = await translated(lookUps.submit({ organization, serial: fromHex(serial) }));
    return found && { issuer: found.issuer, certificate: decodeCertificate(found.certificate) };
  });
  return async (organization, serial) => {
    if (!/^(?:[\da-f]{2}){1,20}$/.test(serial)) return undefined;
    const found = await certificateOf(`${organization} ${serial}`);
    const by = found && (await directory.find(found.issuer));
    return by && { certificate: found.certificate, by };
  };
}

/** With the chain of today: a CA that was certified anew since has another certificate under the same key. */
function licenseOf(certificate: Certificate, { generation }: Opened, fresh: boolean): IssuedLicense {
  const { serial, notBefore, notAfter, der } = certificate;
  return {
    serial: toHex(serial),
    chain: [der, ...generation.chain.map((above) => above.der)],
    notBefore,
    notAfter,
    fresh,
  };
}
