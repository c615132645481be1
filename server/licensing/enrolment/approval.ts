import { equalBytes, toHex } from '@licet/format';
import { z } from 'zod';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference } from '../fields.ts';
import type { EnrolmentToken } from '../model/enrolment-token.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';
import { enterpriseOf } from './create-token.ts';

/** People take minutes at best. */
const ASK_AGAIN_SECONDS = 60;

/** What comes with a token, as far as a person needs it to decide. */
export type Asking = {
  readonly key: Uint8Array;
  readonly name?: string | undefined;
  /** Whoever cannot come again with this key is told that it would have to wait, and nobody is asked. */
  readonly mayWait: boolean;
};

/**
 * Whether the enrolment has to wait for a person. The first request that comes with the token is the one that is decided
 * about; sent again, or another one for its key, it hears the decision.
 */
export async function waitsForApproval(
  { stores }: Dependencies,
  { tx, at, note }: Work,
  token: EnrolmentToken,
  { key, name, mayWait }: Asking,
): Promise<boolean> {
  if (token.approval === undefined || token.approval === 'given') return false;
  if (token.approval === 'declined') {
    throw new LicetError('forbidden', 'ENROLMENT_DECLINED', 'The vendor has declined this enrolment; ask there why.');
  }
  if (token.asked !== undefined || !mayWait) return true;
  await stores.tokens.ask(tx, token.id, { key, name, at });
  const details = { enterprise: token.enterprise, contract: token.contract, key: toHex(key) };
  note({ action: 'enrolment.asked', subject: `token:${token.id}`, details });
  return true;
}

/** An enrolment that a person decides about belongs to who asked for it. */
export function assertOwnRequest({ asked }: EnrolmentToken, key: Uint8Array): void {
  if (asked === undefined || equalBytes(asked.key, key)) return;
  throw new LicetError('forbidden', 'TOKEN_USED', 'Another request waits with this token; have a new one made.');
}

export const approvalNeeded = (): LicetError =>
  new LicetError('unavailable', 'ENROLMENT_PENDING', 'Somebody has to approve this enrolment; send it again later.', {
    retryAfterSeconds: ASK_AGAIN_SECONDS,
  });

/** The word of a person on an enrolment that waits. The site hears it when it asks again. */
export const decideEnrolment = useCase(
  z.strictObject({ id: reference('enrolment token'), decision: z.enum(['given', 'declined']) }),
  (deps, actor, { id, decision }) =>
    inTransaction(deps, actor, async ({ tx, note }): Promise<EnrolmentToken> => {
      const token = found('token', await deps.stores.tokens.get(tx, id), actor, enterpriseOf);
      if (!(await deps.stores.tokens.decide(tx, token.id, decision, actor.id))) {
        throw new LicetError('conflict', 'ENROLMENT_NOT_WAITING', 'Nothing waits for a decision with this token.');
      }
      const details = { enterprise: token.enterprise, contract: token.contract };
      const action = decision === 'given' ? 'enrolment.approved' : 'enrolment.declined';
      note({ action, subject: `token:${token.id}`, details });
      return { ...token, approval: decision, decidedBy: actor.id };
    }),
);
