import { hash } from 'node:crypto';
import { createBatcher, type Batcher } from '@licet/authority';
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
type Asking = { readonly ask: RenewalAsk; readonly actor: Principal };

/**
 * A license for a license. Renewals that arrive together are looked up and begun together: one statement for all that
 * decides about them, and one that binds each predecessor to its request; then the authority takes them as one batch.
 */
export const renewLicense: UseCase<typeof input, IssuedLicense> = Object.assign(
  (deps: Dependencies) => {
    const lookups = createBatcher<Asking, Ready>({
      name: 'renewal',
      work: (asking) => lookUp(deps, asking),
      batch: BATCH,
      queue: QUEUE,
      lanes: 1,
    });
    return async (actor: Principal, raw: z.input<typeof input>) => renew(deps, lookups, actor, parsed(input, raw));
  },
  { input },
);

async function renew(
  deps: Dependencies,
  lookups: Batcher<Asking, Ready>,
  actor: Principal,
  asked: z.output<typeof input>,
): Promise<IssuedLicense> {
  const ask = { organization: actor.organization, predecessor: asked.predecessor, ...digestsOf(asked.csr) };
  const ready = await orBusy(lookups.submit({ ask, actor }));
  if (ready.judgement === 'repeat') return repeat(deps, ready.found);
  if (ready.judgement === 'wait') {
    const message = 'This license is being renewed; ask again in a moment.';
    throw new LicetError('unavailable', 'RENEWAL_UNDER_WAY', message, { retryAfterSeconds: 5 });
  }
  if (ready.judgement === 'fork') {
    await recordFork(deps, actor, ready.found);
    if (ready.found.settings.onFork !== 'alarm') throw cloneSuspected();
  }
  return issue(deps, actor, ready, asked.csr);
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

type Outcome = { readonly value: Ready } | { readonly error: unknown };

async function lookUp(deps: Dependencies, asking: readonly Asking[]): Promise<readonly Outcome[]> {
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
function judged({ ask, actor }: Asking, known: RenewalCase | undefined, at: Date): Outcome {
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
