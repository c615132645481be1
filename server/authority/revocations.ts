import {
  beginningOf,
  type CertificateId,
  type ChangeOutcome,
  type Revoker,
  type RevocationEvent,
  type RevocationStore,
  step,
} from '@licet/authority';
import { LicetError } from '../licensing/errors.ts';
import type { AuditLog } from '../licensing/ports/audit-log.ts';
import type { ChangedCertificates, Revocations, StatusChange } from '../licensing/ports/revocations.ts';
import type { Transaction } from '../licensing/ports/transactions.ts';
import { auditEntryOf } from './directory.ts';
import { sayingMore } from './enterprise-certificate.ts';
import { translated } from './errors.ts';
import type { Authority } from './ports/authorities.ts';
import type { RevocationsWithin } from './ports/revocations-within.ts';

export type RevocationsDeps = {
  readonly revoker: Pick<Revoker, 'change' | 'changeAll' | 'changeWithin'>;
  readonly store: Pick<RevocationStore, 'find' | 'order'>;
  readonly within: RevocationsWithin;
  readonly auditLog: AuditLog;
  /** Told after the commit that authorities are out of office. */
  readonly retired: () => void;
};

export function createRevocations(deps: RevocationsDeps): Revocations {
  const { revoker, store } = deps;
  return {
    change: (...order) => translated(revoker.change(...order)),
    within: (tx, by, changes) => changeWithin(deps, tx, by, changes),
    begin: (tx, { organization, event }, certificates, { id, at }) =>
      deps.within(tx).begin(organization, id, beginningOf(event, certificates), at),
    changeAll: (...order) => translated(revoker.changeAll(...order)),
    progress: (organization, order) => store.order(organization, order),
    find: (certificates) => store.find(certificates),
  };
}

type By = Parameters<Revocations['within']>[1];
type Part = ReturnType<RevocationsWithin>;

async function changeWithin(
  { revoker, within, auditLog, retired: tellRetired }: RevocationsDeps,
  tx: Transaction,
  by: By,
  changes: readonly StatusChange[],
): Promise<() => void> {
  const part = within(tx);
  const tells: (() => void)[] = [];
  // First, as whoever saves an authority locks the version of them all before the head of the audit log.
  const retired = await retireDelegated(part, by, changes);
  for (const { event, context, of, counted } of changes) {
    const ids = 'enterprise' in of ? await authoritiesOf(part, by, event, of) : of;
    if (ids.length === 0) continue;
    const order = { organization: by.organization, event, principal: by.principal, context };
    const { outcomes, tell } = await translated(revoker.changeWithin(part, order, ids));
    counted?.(outcomes.filter((outcome: ChangeOutcome) => outcome === 'applied').length);
    tells.push(tell);
  }
  if (retired.length > 0) {
    const because = { action: 'authority.retired', actor: by.principal } as const;
    await auditLog.append(
      tx,
      retired.map((authority) => auditEntryOf(authority, because, by.at)),
    );
    tells.push(tellRetired);
  }
  return () => tells.forEach((tell) => tell());
}

async function retireDelegated(part: Part, { organization }: By, changes: readonly StatusChange[]) {
  const retired: Authority[] = [];
  for (const { event, of } of changes) {
    if (event.type !== 'revoke' || !('delegatedFor' in of) || of.delegatedFor === undefined) continue;
    retired.push(...(await part.retireDelegated(organization, of.enterprise, of.delegatedFor)));
  }
  return retired;
}

async function authoritiesOf(
  part: Part,
  { organization, at }: By,
  event: RevocationEvent,
  of: Exclude<ChangedCertificates, readonly CertificateId[]>,
): Promise<readonly CertificateId[]> {
  if ('above' in of) return sayingMore(of.above, await part.granting(organization, of.enterprise, at));
  if (of.delegatedFor !== undefined) return part.delegated(organization, of.enterprise, of.delegatedFor, at);
  const { certificates, keys } = await part.enterprise(organization, of.enterprise, at);
  // A hold that holds nothing must not look like one. An end goes on with the licenses themselves.
  if (event.type !== 'hold' || certificates.length > 0 || keys.length === 0) {
    const known = await part.find(certificates);
    return certificates.filter((_, i) => known[i] !== undefined && step(known[i].state, event) === 'applied');
  }
  const message = `No CA certificate of "${of.enterprise}" was issued here: have it held where it was, or suspend its sites.`;
  throw new LicetError('conflict', 'AUTHORITY_ELSEWHERE', message);
}
