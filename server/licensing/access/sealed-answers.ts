import type { IdempotencyKeys, KeptAnswer } from '../ports/idempotency.ts';
import type { Sealer } from './seal.ts';

/**
 * Kept answers as no reader of the database, or of a backup, can use them: one shows an enrolment token, of which nothing
 * but a digest is kept otherwise.
 */
export function sealedAnswers(keys: IdempotencyKeys, sealer: Sealer): IdempotencyKeys {
  const sealed = (answer: KeptAnswer, by: Keyed): KeptAnswer => ({
    ...answer,
    body: sealer.seal(answer.body, ownerOf(by)),
  });
  return {
    ...keys,
    async begin(tx, request, leaseSeconds) {
      const begun = await keys.begin(tx, request, leaseSeconds);
      if (!('answer' in begun)) return begun;
      const { answer } = begun;
      // An earlier version kept it as it was, for a day: JSON, or nothing.
      const isPlain = answer.body === '' || answer.body.startsWith('{');
      return isPlain ? begun : { answer: { ...answer, body: sealer.open(answer.body, ownerOf(request)) } };
    },
    finish: (tx, claim, answer, retentionHours) => keys.finish(tx, claim, sealed(answer, claim), retentionHours),
  };
}

type Keyed = { readonly organization: string; readonly principal: string; readonly key: string };

const ownerOf = ({ organization, principal, key }: Keyed): string =>
  `answer:${JSON.stringify([organization, principal, key])}`;
