import { decodeCertificate, decodePem, equalBytes, FormatError, MODES, toHex } from '@licet/format';
import { TrustAnchors, type Verdict, verifyLicense } from '@licet/verify';
import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { count, reference, serial, text } from '../fields.ts';
import type { Principal } from '../model/principal.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import type { Standing } from '../ports/licenses.ts';
import { type Dependencies, parsed, reading } from '../use-case.ts';
import { anchorsOf } from './anchors.ts';
import { bundleOf } from './bundle.ts';
import { createStandings, type Standings } from './standings.ts';
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

const input = z.union([
  z.strictObject({
    license: z
      .string()
      .max(64 * 1024)
      .describe('The license with its chain, PEM.'),
    ...asked,
  }),
  z.strictObject({ serial, ...asked }),
  z.strictObject({ site: reference('site'), ...asked }),
]);

/**
 * The verdict on a license, with what only the authority knows: suspended, revoked, superseded, cloned, late with its
 * reports. Writes nothing, so it can be asked as often as one likes: a certificate is read and its signatures are checked
 * once, its dates and what has become of it are looked at each time.
 */
export const validateLicense = Object.assign(
  (deps: Dependencies) => {
    const standings = createStandings(deps);
    return async (actor: Principal, raw: z.input<typeof input>): Promise<Verdict> => {
      const asking = parsed(input, raw);
      const at = wholeSecond(deps.clock.now());
      const shown = 'license' in asking ? leafOf(asking.license) : undefined;
      const standing = await lookUp({ ...deps, standings }, actor, asking, shown);
      const issued = standing && (await deps.issuance.find(standing.organization, standing.serial));
      // Another certificate with one of our serials is not ours: it is judged as one that nobody knows.
      const isOurs = shown === undefined || (issued !== undefined && equalBytes(shown.der, issued.chain[0]!));
      if ('license' in asking && !isOurs) {
        return verifyLicense(asking.license, { ...optionsOf(asking), anchors: NO_ANCHORS, at });
      }
      const license = found('license', issued);
      const known = found('license', standing);
      const isIssuerRevoked = await standings.isIssuerRevoked(license.chain.slice(1), known.change);
      return judged(license, JSON.stringify([at, known, isIssuerRevoked, optionsOf(asking)]), async () => {
        // Below the chain of today: whoever shows an older CA certificate has no more by it.
        const verdict = await verifyLicense(bundleOf(license), {
          ...optionsOf(asking),
          ...(known.reportedAt && { reportedAt: known.reportedAt }),
          anchors: anchorsOf(license.chain.at(-1)!),
          at,
        });
        return withStatus(verdict, { ...known, isIssuerRevoked });
      });
    };
  },
  { input },
);

/** As certificates count time: within one second the same question about an unchanged license has the same answer. */
const wholeSecond = (at: Date): Date => new Date(Math.floor(at.getTime() / 1000) * 1000);

type Asked = {
  readonly product?: string | undefined;
  readonly require?: object | undefined;
  readonly fingerprints?: string[] | undefined;
};

const optionsOf = ({ product, require: needs, fingerprints }: Asked) => ({
  ...(product !== undefined && { product }),
  ...(needs !== undefined && { require: needs }),
  ...(fingerprints !== undefined && { fingerprints }),
});

type Judged = {
  readonly question: string;
  readonly nearest: Uint8Array | undefined;
  readonly verdict: Promise<Verdict>;
};

/** By the certificate, whose bytes are the same object for as long as it is remembered: its last verdict. */
const lately = new WeakMap<Uint8Array, Judged>();

/**
 * The same question, about a license that stands as it stood, in the same second, below the same chain: the same verdict.
 * The question holds all that a verdict depends on, so it is never older than what was just read from the database.
 */
function judged({ chain }: IssuedLicense, question: string, judge: () => Promise<Verdict>): Promise<Verdict> {
  const [leaf, nearest] = chain;
  const last = lately.get(leaf!);
  if (last?.question === question && last.nearest === nearest) return last.verdict;
  const verdict = judge();
  lately.set(leaf!, { question, nearest, verdict });
  return verdict;
}

const NO_ANCHORS = TrustAnchors.fromDer([]);

type Leaf = { readonly serial: string; readonly der: Uint8Array };

/** What cannot be read is a verdict too, and the verifier's to give. */
const UNREADABLE: Leaf = { serial: '', der: new Uint8Array() };

const FIRST_END = '-----END CERTIFICATE-----';
const MOST_LEAVES = 1000;
const leaves = new Map<string, Leaf>();

/** The license stands first. The same text is the same license: it is read once. */
function leafOf(pem: string): Leaf {
  const first = pem.slice(0, pem.indexOf(FIRST_END) + FIRST_END.length);
  const known = leaves.get(first);
  if (known !== undefined) return known;
  try {
    const [leaf] = decodePem(first, 'CERTIFICATE');
    if (leaf === undefined) return UNREADABLE;
    const read = { serial: toHex(decodeCertificate(leaf.bytes).serial), der: leaf.bytes };
    if (leaves.size >= MOST_LEAVES) leaves.clear();
    leaves.set(first, read);
    return read;
  } catch (error) {
    if (error instanceof FormatError) return UNREADABLE;
    throw error;
  }
}

/** Of a license that was shown nothing may be known; one that was asked for by name must be there. */
async function lookUp(
  deps: Dependencies & { readonly standings: Standings },
  actor: Principal,
  asking: z.output<typeof input>,
  shown: { readonly serial: string } | undefined,
): Promise<Standing | undefined> {
  let name = shown?.serial ?? '';
  if ('serial' in asking) name = asking.serial;
  if ('site' in asking) name = await headOf(deps, actor, asking.site);
  const standing = name === '' ? undefined : await deps.standings.license(actor.organization, name);
  const mine = standing !== undefined && isWithinReach(actor, standing) ? standing : undefined;
  return shown === undefined ? found('license', mine) : mine;
}

const isWithinReach = (actor: Principal, { enterprise, site }: Standing): boolean =>
  (actor.enterprise ?? enterprise) === enterprise && (actor.site ?? site) === site;

function headOf(deps: Dependencies, actor: Principal, id: string): Promise<string> {
  const { stores } = deps;
  return reading(deps, actor, async (tx) => {
    const site = found('site', await stores.sites.get(tx, id), actor, enterpriseOf);
    if (actor.site !== undefined && actor.site !== site.id) found('site', undefined);
    const head = (await stores.licenses.lineage(tx, site.lineage))?.head;
    if (head !== undefined) return head;
    throw new LicetError('conflict', 'SITE_UNLICENSED', 'The site has no license yet; enrol it.');
  });
}
