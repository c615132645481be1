import { type CertificateId, type Revoker, type RevocationStore, step } from '@licet/authority';
import { LicetError } from '../licensing/errors.ts';
import type { Revocations, StatusChange } from '../licensing/ports/revocations.ts';
import { translated } from './errors.ts';
import type { RevocationsWithin } from './ports/revocations-within.ts';

type Store = Pick<RevocationStore, 'find' | 'order'>;
type Changing = Pick<Revoker, 'change' | 'changeAll' | 'changeWithin'>;

export function createRevocations(revoker: Changing, store: Store, within: RevocationsWithin): Revocations {
  return {
    change: (...order) => translated(revoker.change(...order)),
    async within(tx, { organization, principal, at }, changes) {
      const tells: (() => void)[] = [];
      const part = within(tx);
      for (const { event, context, of } of changes) {
        const ids = 'enterprise' in of ? await authoritiesOf(part, { organization, at }, { event, of }) : of;
        if (ids.length === 0) continue;
        const order = { organization, event, principal, context };
        tells.push((await translated(revoker.changeWithin(part, order, ids))).tell);
      }
      return () => tells.forEach((tell) => tell());
    },
    changeAll: (...order) => translated(revoker.changeAll(...order)),
    progress: (organization, order) => store.order(organization, order),
    find: (certificates) => store.find(certificates),
  };
}

async function authoritiesOf(
  part: ReturnType<RevocationsWithin>,
  { organization, at }: { readonly organization: string; readonly at: Date },
  { event, of }: Pick<StatusChange, 'event'> & { readonly of: { enterprise: string; delegatedFor?: string } },
): Promise<readonly CertificateId[]> {
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
