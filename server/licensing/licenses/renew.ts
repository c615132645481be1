import { hash } from 'node:crypto';
import { createBatcher, type Outcome, outcomeOf } from '@licet/authority';
import { decodeCertificationRequest, FormatError } from '@licet/format';
import { z } from 'zod';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { csr, serial } from '../fields.ts';
import type { Principal } from '../model/principal.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import type { RenewalAsk, RenewalCase } from '../ports/licenses.ts';
import { type Dependencies, inTransaction, parsed, type UseCase } from '../use-case.ts';
import { orBusy } from './busy.ts';
import { recordFork } from './fork.ts';
import { ABANDONED_AFTER_MS, type Judgement, judgeRenewal } from './judge-renewal.ts';
import { licenseOrder, mayPass } from './order.ts';
import { assertRenewable, cloneSuspected } from './renewable.ts';

const input = z.strictObject({
  predecessor: serial.describe('The serial of the license to be renewed.'),
  csr,
});

/** As many as the authority records at once. */
const BATCH = 256;
const QUEUE = 4096;

type Ready = { readonly found: RenewalCase; readonly judgement: Judgement; readonly ask: RenewalAsk };
type Asking = { readonly ask: RenewalAsk; readonly actor: Principal; readonly request: Uint8Array };

/** While one group waits for the disks, the next is read and its requests are verified. */
const GROUPS = 2;

/**
 * A license for a license. Renewals that arrive together stay together to the end: one statement for all that decides
 * about them, one that binds each predecessor to its request; then the authority takes them as one batch. Who comes later
 * waits for one of two groups to be through, and finds itself in a large one: what a batch costs is its statements.
 */
export const renewLicense: UseCase<typeof input, IssuedLicense> = Object.assign(
  (deps: Dependencies) => {
    const groups = createBatcher<Asking, IssuedLicense>({
      name: 'renewal',
      work: (asking) => renewAll(deps, asking),
      batch: BATCH,
      queue: QUEUE,
      lanes: GROUPS,
    });
    return async (actor: Principal, raw: z.input<typeof input>) => {
      const { predecessor, csr: request } = parsed(input, raw);
      const ask = { organization: actor.organization, predecessor, ...digestsOf(request) };
      return orBusy(groups.submit({ ask, actor, request }));
    };
  },
  { input },
);

async function renewAll(deps: Dependencies, asking: readonly Asking[]): Promise<readonly Outcome<IssuedLicense>[]> {
  const looked = await lookUp(deps, asking);
  return Promise.all(
    asking.map(async (one, i) => {
      const found = looked[i]!;
      return 'error' in found ? found : outcomeOf(renew(deps, one, found.value));
    }),
  );
}

async function renew(deps: Dependencies, { actor, request }: Asking, ready: Ready): Promise<IssuedLicense> {
  if (ready.judgement === 'repeat') return repeat(deps, ready.found);
  if (ready.judgement === 'wait') {
    const message = 'This license is being renewed; ask again in a moment.';
    throw new LicetError('unavailable', 'RENEWAL_UNDER_WAY', message, { retryAfterSeconds: 5 });
  }
  if (ready.judgement === 'fork') {
    await recordFork(deps, actor, ready.found);
    if (ready.found.settings.onFork !== 'alarm') throw cloneSuspected();
  }
  return issue(deps, actor, ready, request);
}

function digestsOf(der: Uint8Array): Pick<RenewalAsk, 'request' | 'publicKey'> {
  try {
    const { publicKey } = decodeCertificationRequest(Uint8Array.from(der));
    return { request: hash('sha256', der, 'buffer'), publicKey: hash('sha256', publicKey.raw, 'buffer') };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LicetError('invalid', 'CSR_INVALID', `The request cannot be read: ${error.message}`, { pointer: '/csr' });
  }
}

async function issue(deps: Dependencies, actor: Principal, { found: known, judgement, ask }: Ready, der: Uint8Array) {
  const order = licenseOrder({
    ...known,
    kind: judgement === 'fork' ? 'branch' : 'renewal',
    predecessor: known.license.serial,
    key: { csr: der },
    ground: `license:${known.license.serial}`,
    principal: actor.id,
  });
  try {
    return await deps.issuance.issue(order);
  } catch (error) {
    // Nothing will ever come of this request: the site needs another, which must not look like a clone's.
    if (judgement !== 'fork' && !mayPass(error)) {
      await inTransaction(deps, actor, ({ tx }) => deps.stores.licenses.releaseRenewal(tx, ask));
    }
    throw error;
  }
}

async function repeat({ issuance }: Dependencies, { license }: RenewalCase): Promise<IssuedLicense> {
  const { organization, renewal } = license;
  const answer = renewal?.successor === undefined ? undefined : await issuance.find(organization, renewal.successor);
  return { ...found('license', answer), fresh: false };
}

async function lookUp(deps: Dependencies, asking: readonly Asking[]): Promise<readonly Outcome<Ready>[]> {
  const { stores, transactions, clock } = deps;
  // The asks may be of several organizations; each finds the rows of its own only.
  return transactions.run('platform', async (tx) => {
    const at = clock.now();
    const asks = asking.map(({ ask }) => ask);
    const cases = await stores.licenses.renewalCases(tx, asks);
    const outcomes = asking.map((one, i) => judged(one, cases[i], at));
    const beginning = outcomes.flatMap((one) => ('value' in one && one.value.judgement === 'begin' ? [one.value] : []));
    if (beginning.length === 0) return outcomes;
    const abandoned = new Date(at.getTime() - ABANDONED_AFTER_MS);
    const begun = await stores.licenses.beginRenewals(
      tx,
      beginning.map(({ ask }) => ask),
      at,
      abandoned,
    );
    const late = new Set(beginning.filter((_, i) => begun[i] !== true));
    return outcomes.map((one) =>
      'value' in one && late.has(one.value) ? { value: { ...one.value, judgement: 'wait' } } : one,
    );
  });
}

/** One that is refused must not cost its batch mates theirs. */
function judged({ ask, actor }: Asking, known: RenewalCase | undefined, at: Date): Outcome<Ready> {
  try {
    const mine = found('license', known, actor, ({ enterprise }) => enterprise.id);
    if (actor.site !== undefined && actor.site !== mine.site.id) found('license', undefined);
    assertRenewable(mine, at);
    const judgement = judgeRenewal(mine.license, ask, at);
    return { value: { found: mine, judgement, ask: { ...ask, predecessor: mine.license.serial } } };
  } catch (error) {
    return { error };
  }
}
