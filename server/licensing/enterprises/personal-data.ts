import { z } from 'zod';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference, version } from '../fields.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Principal } from '../model/principal.ts';
import { ENTERPRISE_DATA } from '../ports/personal-data.ts';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { type Dependencies, reading, useCase } from '../use-case.ts';
import { lockEnterprise } from './enterprises.ts';

const PAGE = 500;

/** All that is kept about an enterprise, one line of JSON for each row; that it was asked for is in the audit log. */
export async function exportEnterprise(
  deps: Dependencies,
  actor: Principal,
  id: string,
): Promise<AsyncGenerator<string>> {
  const { transactions, auditLog, clock, stores } = deps;
  const { organization } = actor;
  const { id: enterprise } = await transactions.run({ organization }, async (tx) => {
    const mine = found('enterprise', await stores.enterprises.get(tx, id), actor, (it) => it.id);
    const entry = { actor: actor.id, action: 'enterprise.exported', subject: `enterprise:${mine.id}` };
    await auditLog.append(tx, [{ ...entry, organization, at: clock.now() }]);
    return mine;
  });
  return lines(deps, actor, enterprise);
}

async function* lines(deps: Dependencies, actor: Principal, enterprise: string): AsyncGenerator<string> {
  for (const kind of ENTERPRISE_DATA) {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const { rows, next } = await reading(deps, actor, (tx) =>
        deps.stores.personalData.ofEnterprise(tx, enterprise, kind, { after, limit: PAGE }),
      );
      yield rows.map((row) => `${JSON.stringify({ kind, ...row })}\n`).join('');
      after = next;
    }
  }
}

/**
 * Nothing is left but pseudonyms, numbers and dates: what the ledger and the audit log say still verifies, and that it was
 * one and the same enterprise. Certificates keep the names that they were issued to, and so do their copies elsewhere.
 */
export const eraseEnterprise = useCase(
  z.strictObject({ id: reference('enterprise'), version }),
  (deps, actor, input): Promise<Enterprise> =>
    withSecondPerson(deps, actor, async (work) => {
      const { id, status } = await lockEnterprise(deps, work, actor, input);
      if (status !== 'closed') {
        const message = 'The enterprise still has contracts and sites to live by; close it first.';
        throw new LicetError('conflict', 'ENTERPRISE_NOT_CLOSED', message);
      }
      const subject = `enterprise:${id}`;
      await demandSecondPerson(deps, work, actor, { action: 'enterprise.erase', subject, payload: {} });
      const details = await deps.stores.personalData.eraseEnterprise(work.tx, id, work.at);
      work.note({ action: 'enterprise.erased', subject, details });
      return found('enterprise', await deps.stores.enterprises.get(work.tx, id));
    }),
);
