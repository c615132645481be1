import { hash } from 'node:crypto';
import { createBatcher } from '@licet/authority';
import { decodeCertificationRequest, FormatError } from '@licet/format';
import { z } from 'zod';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, serial } from '../fields.ts';
import type { Principal } from '../model/principal.ts';
import type { IssuedLicense, LicenseName } from '../ports/issuance.ts';
import type { RenewalCase } from '../ports/licenses.ts';
import { type Dependencies, inTransaction, parsed, type UseCase } from '../use-case.ts';
import { orBusy } from './busy.ts';
import { recordFork } from './fork.ts';
import { judgeRenewal, type RenewalRequest } from './judge-renewal.ts';
import { licenseOrder, mayPass } from './order.ts';
import { assertRenewable, cloneSuspected } from './renewable.ts';
import { assertNotTooOften } from './too-often.ts';

const input = z.strictObject({
  predecessor: serial.describe('The serial of the license to be renewed.'),
  csr,
});

/** As many as the authority records at once. */
const BATCH = 256;
const QUEUE = 4096;

/**
 * A license for a license. Renewals that arrive together are looked up together; then the authority takes them as one
 * batch, and binds each predecessor to its request as it records it. `known`: what decides, where the look that told who
 * asks has found it already.
 */
export const renewLicense = Object.assign(
  (deps: Dependencies) => {
    const cases = createBatcher<LicenseName, RenewalCase | undefined>({
      name: 'renewal',
      work: async (names) => (await lookUp(deps, names)).map((value) => ({ value })),
      batch: BATCH,
      queue: QUEUE,
      lanes: 1,
    });
    return async (actor: Principal, raw: z.input<typeof input>, known?: RenewalCase) => {
      const { predecessor, csr: der } = parsed(input, raw);
      const name = { organization: actor.organization, serial: predecessor };
      return renew(deps, actor, known ?? (await orBusy(cases.submit(name))), askedBy(der));
    };
  },
  { input },
) satisfies UseCase<typeof input, IssuedLicense>;

// The names may be of several organizations; each finds the rows of its own only.
const lookUp = ({ transactions, stores }: Dependencies, names: readonly LicenseName[]) =>
  transactions.run('platform', (tx) => stores.licenses.renewalCases(tx, names), { readOnly: true, onePlan: true });

type Asked = RenewalRequest & { readonly der: Uint8Array };

async function renew(
  deps: Dependencies,
  actor: Principal,
  known: RenewalCase | undefined,
  asked: Asked,
): Promise<IssuedLicense> {
  const mine = found('license', known, actor, ({ enterprise }) => enterprise.id);
  const isOfAnotherSite = actor.site !== undefined && actor.site !== mine.site.id;
  if (isOfAnotherSite || actor.organization !== mine.license.organization) found('license', undefined);
  const at = deps.clock.now();
  assertRenewable(mine, at);
  const judgement = judgeRenewal(mine.license, asked, at);
  if (judgement === 'repeat') return repeat(deps, mine);
  if (judgement === 'wait') {
    const message = 'This license is being renewed or changed; ask again in a moment.';
    throw new LicetError('unavailable', 'RENEWAL_UNDER_WAY', message, { retryAfterSeconds: 5 });
  }
  if (judgement === 'fork') {
    await recordFork(deps, actor, mine);
    if (mine.settings.onFork !== 'alarm') throw cloneSuspected();
  }
  // What has begun is brought to its end.
  if (judgement !== 'continue') await assertNotTooOften(deps, actor, mine, { at, isFork: judgement === 'fork' });
  return issue(deps, actor, mine, asked, judgement === 'fork' ? 'branch' : 'renewal');
}

/** The key is looked for only where it decides, which is after a first request: the authority reads the request anyway. */
const askedBy = (der: Uint8Array): Asked => ({
  der,
  request: hash('sha256', der, 'buffer'),
  get publicKey() {
    return publicKeyIn(der);
  },
});

function publicKeyIn(der: Uint8Array): Uint8Array {
  try {
    return hash('sha256', decodeCertificationRequest(Uint8Array.from(der)).publicKey.raw, 'buffer');
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LicetError('invalid', 'CSR_INVALID', `The request cannot be read: ${error.message}`, { pointer: '/csr' });
  }
}

async function issue(
  deps: Dependencies,
  actor: Principal,
  mine: RenewalCase,
  { der, request }: Asked,
  kind: 'branch' | 'renewal',
): Promise<IssuedLicense> {
  const { serial } = mine.license;
  const ground = `license:${serial}`;
  const order = licenseOrder({ ...mine, kind, predecessor: serial, key: { csr: der }, ground, principal: actor.id });
  try {
    return await deps.issuance.issue(order);
  } catch (error) {
    // Nothing will ever come of this request: the site needs another, which must not look like a clone's.
    if (kind === 'renewal' && !mayPass(error)) {
      await inTransaction(deps, actor, ({ tx }) => deps.stores.licenses.releaseRenewal(tx, serial, request));
    }
    throw error;
  }
}

async function repeat({ issuance }: Dependencies, { license }: RenewalCase): Promise<IssuedLicense> {
  const { organization, renewal } = license;
  const answer = renewal?.successor === undefined ? undefined : await issuance.find(organization, renewal.successor);
  return { ...found('license', answer), fresh: false };
}
