import { decodeCertificate, decodePem, encodePem, equalBytes, FormatError, MODES, toHex } from '@licet/format';
import { type LicenseOptions, TrustAnchors, type Verdict, verifyLicense } from '@licet/verify';
import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { count, reference, text } from '../fields.ts';
import type { License, Lineage } from '../model/license.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import type { Transaction } from '../ports/transactions.ts';
import { type Dependencies, reading, useCase } from '../use-case.ts';
import { withStatus } from './verdict-status.ts';

const require = z
  .strictObject({
    features: z.array(text(64)).min(1).max(256).optional(),
    tier: count.optional(),
    mode: z.enum(MODES).optional(),
    limits: z.record(text(64), count).optional(),
  })
  .describe('What the product needs; each is a finding when it is not there.')
  .meta({ example: { features: ['press/remote'], limits: { machines: 4 } } });

const asked = {
  product: text(64).optional().describe('The code of the product that asks.').meta({ example: 'press' }),
  require: require.optional(),
  fingerprints: z.array(text(256)).max(16).optional().describe('Of the machine, when the license is bound to one.'),
};

const serial = z
  .string()
  .regex(/^[0-9a-f]{2,40}$/, 'must be a serial number in lower-case hexadecimal')
  .meta({ example: '01f3a86c0d9be1447f52c0f6a9d3e85b17' });

/**
 * The verdict on a license, with what only the authority knows: suspended, revoked, superseded, cloned, late with its
 * reports. Reads and writes nothing else, so it can be asked as often as one likes.
 */
export const validateLicense = useCase(
  z.union([
    z.strictObject({
      license: z
        .string()
        .max(64 * 1024)
        .describe('The license with its chain, PEM.'),
      ...asked,
    }),
    z.strictObject({ serial, ...asked }),
    z.strictObject({ site: reference('site'), ...asked }),
  ]),
  async (deps, actor, input): Promise<Verdict> => {
    const at = deps.clock.now();
    const shown = 'license' in input ? leafOf(input.license) : undefined;
    const known = await lookUp(deps, actor, wantedOf(input, shown));
    const issued = known && (await deps.issuance.find(known.license.organization, known.license.serial));
    // Another certificate with one of our serials is not ours: it is judged as one that nobody knows.
    const isOurs = issued !== undefined && (shown === undefined || equalBytes(shown.der, issued.chain[0]!));
    const bundle = 'license' in input ? input.license : bundleOf(found('license', issued));
    const verdict = await verifyLicense(bundle, optionsOf(input, at, isOurs ? issued : undefined, known?.site));
    return isOurs && known !== undefined ? withStatus(verdict, known) : verdict;
  },
);

type Wanted = { readonly serial: string; readonly isShown: boolean } | { readonly site: string };

function wantedOf(
  input: { license: string } | { serial: string } | { site: string },
  shown?: { serial: string },
): Wanted {
  if ('site' in input) return input;
  return 'serial' in input ? { serial: input.serial, isShown: false } : { serial: shown?.serial ?? '', isShown: true };
}

type Asked = {
  readonly product?: string | undefined;
  readonly require?: object | undefined;
  readonly fingerprints?: string[] | undefined;
};

function optionsOf(input: Asked, at: Date, issued: IssuedLicense | undefined, site: Site | undefined): LicenseOptions {
  return {
    anchors: TrustAnchors.fromDer(issued === undefined ? [] : [issued.chain.at(-1)!]),
    at,
    ...(input.product !== undefined && { product: input.product }),
    ...(input.require !== undefined && { require: input.require }),
    ...(input.fingerprints !== undefined && { fingerprints: input.fingerprints }),
    ...(site?.reportedAt !== undefined && { reportedAt: site.reportedAt }),
  };
}

function leafOf(pem: string): { serial: string; der: Uint8Array } | undefined {
  try {
    const [leaf] = decodePem(pem, 'CERTIFICATE');
    return leaf && { serial: toHex(decodeCertificate(leaf.bytes).serial), der: leaf.bytes };
  } catch (error) {
    // What cannot be read is a verdict too, and the verifier's to give.
    if (error instanceof FormatError) return { serial: '', der: new Uint8Array() };
    throw error;
  }
}

const bundleOf = ({ chain }: IssuedLicense): string => chain.map((der) => encodePem('CERTIFICATE', der)).join('');

export type Known = {
  readonly license: License;
  readonly lineage: Lineage;
  readonly site: Site;
  /** A clone is suspected, and the organization wants more than an alarm. */
  readonly isQuarantined: boolean;
};

/** Of a license that was shown nothing may be known; one that was asked for by name must be there. */
function lookUp(deps: Dependencies, actor: Principal, wanted: Wanted): Promise<Known | undefined> {
  const { stores } = deps;
  return reading(deps, actor, async (tx) => {
    const byName = 'site' in wanted ? await headOf(deps, tx, actor, wanted.site) : wanted.serial;
    const license = await stores.licenses.get(tx, byName);
    const isForeign = license === undefined || (actor.enterprise ?? license.enterprise) !== license.enterprise;
    if (isForeign && 'isShown' in wanted && wanted.isShown) return undefined;
    const mine = found('license', license, actor, enterpriseOf);
    const lineage = found('lineage', await stores.licenses.lineage(tx, mine.lineage));
    const isForked = lineage.status === 'forked';
    const isQuarantined = isForked && (await ownOrganization(deps, tx, actor.organization)).settings.onFork !== 'alarm';
    return { license: mine, lineage, site: found('site', await stores.sites.get(tx, mine.site)), isQuarantined };
  });
}

async function headOf({ stores }: Dependencies, tx: Transaction, actor: Principal, id: string): Promise<string> {
  const site = found('site', await stores.sites.get(tx, id), actor, enterpriseOf);
  const head = (await stores.licenses.lineage(tx, site.lineage))?.head;
  if (head !== undefined) return head;
  throw new LicetError('conflict', 'SITE_UNLICENSED', 'The site has no license yet; enrol it.');
}
