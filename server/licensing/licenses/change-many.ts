import {
  type CertificateId,
  type CountedOutcome,
  type KnownCertificate,
  NO_OUTCOMES,
  type OrderProgress,
  type RevocationEvent,
  step,
} from '@licet/authority';
import { fromHex, toHex } from '@licet/format';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { assertWholeOrganization } from '../entities.ts';
import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { type Dependencies, parsed, reading } from '../use-case.ts';
import { reason, revocation, serial } from './change-status.ts';

/** One order is one list; what is longer is several orders. */
const MOST = 100_000;
/** Well below what clients and proxies wait: whoever asked is answered how far it came, and asks again. */
export const CALL_MS = 8000;
const LOOK_UP = 5000;
const MOST_REFUSED = 100;

const input = z.strictObject({
  order: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ : -')
    .describe('The name of this order: the same name with the same list carries on where it stopped.')
    .meta({ example: 'recall-2026-07' }),
  change: z.enum(['revoke', 'suspend', 'reinstate']),
  reason: reason.optional().describe('For `revoke`.'),
  serials: z.array(serial).min(1).max(MOST).describe('Of the licenses, in any order.'),
  dryRun: z.boolean().default(true).describe('Only say what would happen.'),
});
type Asked = z.output<typeof input>;

export type Outcome = CountedOutcome;

export type ManyChanged = {
  readonly progress: Pick<OrderProgress, 'total' | 'done' | 'outcomes'>;
  /** The order was done before it was asked for: nothing was changed now, and nothing will be. */
  readonly finishedAt?: Date;
  /** Of a dry run, the first that would be refused. */
  readonly refused: readonly { readonly serial: string; readonly code: Outcome }[];
};

/**
 * Revokes, suspends or reinstates the licenses of a list, in batches that are each durable as a whole. One call works for
 * some seconds and says how far it came; the same call again carries on, also after a crash, until `done` is `total`.
 * What single ones are refused for is counted and does not stop the others.
 */
export const changeManyLicenses = Object.assign(
  (deps: Dependencies) =>
    async (actor: Principal, raw: z.input<typeof input>): Promise<ManyChanged> => {
      const asked = parsed(input, raw);
      const event = eventOf(asked);
      assertWholeOrganization(actor);
      const certificates = await certificatesOf(deps, actor, asked.serials);
      const order = { organization: actor.organization, event, principal: actor.id, context: { order: asked.order } };
      const begun = await deps.revocations.progress(actor.organization, asked.order);
      const finished = begun !== undefined && begun.done === begun.total && { finishedAt: begun.at };
      const suspendedSites = suspendedSitesFor(deps, actor, event);
      if (asked.dryRun) return { ...(await foreseen(deps, order, certificates, suspendedSites)), ...finished };
      // What was begun is approved.
      if (begun === undefined) await begin(deps, actor, asked, order, certificates);
      let progress: OrderProgress | undefined;
      const signal = AbortSignal.timeout(CALL_MS);
      try {
        const note = (now: OrderProgress) => void (progress = now);
        const options = { id: asked.order, suspendedSites, signal, progress: note };
        return { progress: await deps.revocations.changeAll(order, certificates, options), refused: [], ...finished };
      } catch (error) {
        if (error !== signal.reason || progress === undefined) throw error;
        return { progress, refused: [] };
      }
    },
  { input },
);

function eventOf({ change, reason: why }: Asked) {
  if (change === 'revoke' && why !== undefined) return revocation(why);
  if (change !== 'revoke' && why === undefined) return { type: change === 'suspend' ? 'hold' : 'reinstate' } as const;
  const message = change === 'revoke' ? 'Say why they are revoked.' : 'Only a revocation has a reason.';
  throw new LicetError('invalid', 'REASON_MISPLACED', message, { pointer: '/reason' });
}

/**
 * Where the organization wants it, a second person approves the list as it is. The order is begun with that: whatever
 * keeps its batches from being made, what was approved is sent again.
 */
async function begin(
  deps: Dependencies,
  actor: Principal,
  { order: id, change, reason: why, serials }: Asked,
  order: Order,
  certificates: readonly CertificateId[],
): Promise<void> {
  const list = createHash('sha256').update(serials.join('\n')).digest('hex');
  const payload = { change, reason: why ?? '', count: serials.length, list };
  const act = { action: 'license.change-many', subject: `order:${id}`, payload } as const;
  await withSecondPerson(deps, actor, async (work) => {
    await demandSecondPerson(deps, work, actor, act);
    await deps.revocations.begin(work.tx, order, certificates, { id, at: work.at });
  });
}

/** What is no license of the organization keeps its place, under no issuer: it is counted as never issued. */
async function certificatesOf(
  deps: Dependencies,
  actor: Principal,
  serials: readonly string[],
): Promise<readonly CertificateId[]> {
  const issuers = new Map<string, string>();
  for (let at = 0; at < serials.length; at += LOOK_UP) {
    const part = serials.slice(at, at + LOOK_UP);
    const found = await reading(deps, actor, (tx) => deps.stores.licenses.issuers(tx, part));
    for (const [id, issuer] of found) issuers.set(id, issuer);
  }
  return serials.map((id) => ({ issuer: issuers.get(id) ?? '', serial: fromHex(id) }));
}

type SuspendedSites = (certificates: readonly CertificateId[]) => Promise<readonly boolean[]>;

/** As for a single one (`assertSiteAlive`): a hold of the site is undone with the site. */
function suspendedSitesFor(deps: Dependencies, actor: Principal, { type }: RevocationEvent): SuspendedSites {
  if (type !== 'reinstate') return async () => [];
  return async (certificates) => {
    const serials = certificates.map(({ serial: bytes }) => toHex(bytes));
    const held = await reading(deps, actor, (tx) => deps.stores.licenses.held(tx, serials));
    return serials.map((id) => held.has(id));
  };
}

type Order = Parameters<Dependencies['revocations']['changeAll']>[0];

async function foreseen(
  { revocations }: Dependencies,
  { organization, event }: Order,
  certificates: readonly CertificateId[],
  suspendedSites: SuspendedSites,
): Promise<ManyChanged> {
  const outcomes = { ...NO_OUTCOMES };
  const refused: { serial: string; code: Outcome }[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < certificates.length; at += LOOK_UP) {
    const part = certificates.slice(at, at + LOOK_UP);
    const [known, suspended] = await Promise.all([revocations.find(part), suspendedSites(part)]);
    const outcomeOf = (certificate: KnownCertificate | undefined, i: number, id: string): Outcome => {
      if (suspended[i] === true) return 'SITE_SUSPENDED';
      if (certificate?.organization !== organization) return 'NOT_ISSUED';
      return seen.has(id) ? 'unchanged' : step(certificate.state, event);
    };
    for (const [i, certificate] of known.entries()) {
      const id = toHex(part[i]!.serial);
      const outcome = outcomeOf(certificate, i, id);
      seen.add(id);
      outcomes[outcome] += 1;
      const isRefused = outcome !== 'applied' && outcome !== 'unchanged';
      if (isRefused && refused.length < MOST_REFUSED) refused.push({ serial: id, code: outcome });
    }
  }
  return { progress: { total: certificates.length, done: 0, outcomes }, refused };
}
