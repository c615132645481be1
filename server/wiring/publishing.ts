import { shownChain } from '../authority/directory.ts';
import type { FastPath } from '../http/dispatcher.ts';
import { caFastPath } from '../http/publish/ca.ts';
import type { AuthorityParts } from './authority.ts';

/** What everybody may ask for, over plain HTTP too: certificates, and whether they are still good. */
export function publishing({ directory }: AuthorityParts, address: () => string): readonly FastPath[] {
  return [
    caFastPath({
      async find(keyIdentifier) {
        const found = await directory.byKeyIdentifier(keyIdentifier);
        const [own, ...above] = found === undefined ? [] : shownChain(found);
        return own && { chain: [own.der, ...above.map(({ der }) => der)] };
      },
      bootstrap: async () => ({ roots: await directory.roots(), server: address() }),
    }),
  ];
}
