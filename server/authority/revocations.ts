import type { Revoker, RevocationStore } from '@licet/authority';
import type { Revocations } from '../licensing/ports/revocations.ts';
import { translated } from './errors.ts';

type Store = Pick<RevocationStore, 'find' | 'order'>;

export function createRevocations(revoker: Pick<Revoker, 'change' | 'changeAll'>, store: Store): Revocations {
  return {
    change: (...order) => translated(revoker.change(...order)),
    changeAll: (...order) => translated(revoker.changeAll(...order)),
    progress: (organization, order) => store.order(organization, order),
    find: (certificates) => store.find(certificates),
  };
}
