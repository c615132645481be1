import { type CertificateId, type ChangeOutcome, NO_OUTCOMES, type OrderProgress, step } from '@licet/authority';
import { fromHex } from '@licet/format';
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

export type Outcome = ChangeOutcome;

export type ManyChanged = {
  readonly progress: Pick<OrderProgress, 'total' | 'done' | 'outcomes'>;
  /** The order was done before it was asked for: nothing was changed now, and nothing will be. */
  readonly finishedAt?: Date;
  /** Of a dry run, the first that would be refused. */
  readonly refused: readonly { readonly serial: string; readonly code: ChangeOutcome }[];
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
      if (asked.dryRun) return { ...(await foreseen(deps, order, certificates, asked.serials)), ...finished };
      // What was begun is approved.
      if (begun === undefined) await approve(deps, actor, asked);
      let progress: OrderProgress | undefined;
      const signal = AbortSignal.timeout(CALL_MS);
      try {
        const done = { id: asked.order, signal, progress: (now: OrderProgress) => void (progress = now) };
        return { progress: await deps.revocations.changeAll(order, certificates, done), refused: [], ...finished };
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

/** Where the organization wants it, a second person approves the list as it is. */
async function approve(deps: Dependencies, actor: Principal, { order, change, reason: why, serials }: Asked) {
  const list = createHash('sha256').update(serials.join('\n')).digest('hex');
  const payload = { change, reason: why ?? '', count: serials.length, list };
  const act = { action: 'license.change-many', subject: `order:${order}`, payload } as const;
  await withSecondPerson(deps, actor, (work) => demandSecondPerson(deps, work, actor, act));
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

type Order = Parameters<Dependencies['revocations']['changeAll']>[0];

async function foreseen(
  { revocations }: Dependencies,
  { organization, event }: Order,
  certificates: readonly CertificateId[],
  serials: readonly string[],
): Promise<ManyChanged> {
  const outcomes = { ...NO_OUTCOMES };
  const refused: { serial: string; code: ChangeOutcome }[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < certificates.length; at += LOOK_UP) {
    const known = await revocations.find(certificates.slice(at, at + LOOK_UP));
    for (const [i, certificate] of known.entries()) {
      const id = serials[at + i]!;
      const isOurs = certificate?.organization === organization;
      const outcome = !isOurs ? 'NOT_ISSUED' : seen.has(id) ? 'unchanged' : step(certificate.state, event);
      seen.add(id);
      outcomes[outcome] += 1;
      const isRefused = outcome !== 'applied' && outcome !== 'unchanged';
      if (isRefused && refused.length < MOST_REFUSED) refused.push({ serial: id, code: outcome });
    }
  }
  return { progress: { total: serials.length, done: 0, outcomes }, refused };
}
