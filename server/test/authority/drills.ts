import { fromHex } from '@licet/format';
import { reconcile } from '../../authority/reconcile.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { licenseRecords } from '../../persistence/licensing/license-records.ts';
import { systemRandom as random } from '../../random.ts';
import { CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

const ROLE = { organization: 'demo', kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;

export type OldBackup = {
  readonly fenced: boolean;
  readonly lost: number;
  readonly unrevoked: number;
  readonly reopened: boolean;
  readonly ms: number;
};

/** Issues before a backup and after it, revokes of both, puts the backup back, starts, and reconciles. */
export async function oldBackup(before: number, after: number): Promise<OldBackup> {
  const workshop = await Workshop.open();
  try {
    const early = await issueMany(workshop, 1, before);
    await workshop.stop();
    workshop.backUp();
    await workshop.start();
    const licenses = [...early, ...(await issueMany(workshop, before + 1, after))];
    const { authority } = (await workshop.authority.directory.active(ROLE))!;
    const ids = licenses.map(({ serial }) => ({ issuer: authority.key, serial: fromHex(serial) }));
    const revoked = ids.filter((_, index) => index % 3 === 0);
    const event = { type: 'revoke', reason: 'keyCompromise' } as const;
    const order = { organization: 'demo', event, principal: 'user:drill', context: {} };
    await workshop.authority.revoker.changeAll(order, revoked, { id: 'drill' });
    await workshop.stop();
    workshop.restore();
    await workshop.start();
    const fenced = workshop.authority.fence.reason !== undefined;
    const began = performance.now();
    await reconcile({
      ...workshop.authority.journal,
      licenses: licenseRecords,
      auditLog,
      random,
      publish: workshop.authority.publish,
      makePartitions: async (from) => {
        await workshop.database.run('platform', (tx) => makeCertificatePartitions(tx, from));
      },
    });
    const ms = performance.now() - began;
    const known = await workshop.authority.revocations.find(ids);
    const lost = known.filter((one) => one === undefined).length;
    const states = await workshop.authority.revocations.find(revoked);
    const unrevoked = states.filter((one) => one?.state.state !== 'revoked').length;
    await workshop.authority.guard.check();
    return { fenced, lost, unrevoked, reopened: workshop.authority.fence.reason === undefined, ms };
  } finally {
    await workshop.close();
  }
}

function issueMany({ authority }: Workshop, first: number, count: number): Promise<readonly IssuedLicense[]> {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  return Promise.all(numbers.map((number) => authority.issuance.issue(licenseOrder(lineageOf(number)))));
}
