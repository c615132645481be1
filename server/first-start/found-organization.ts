import type { Principal } from '../licensing/model/principal.ts';
import { createOrganization } from '../licensing/organizations/organizations.ts';
import type { Dependencies } from '../licensing/use-case.ts';

const SETTINGS = { secondPerson: false, onFork: 'quarantine-later' } as const;

/**
 * Whose CA was imported is an organization of this server. Its name is the short one until its owner gives it another.
 * Of servers that start at the same time one creates it.
 */
export async function foundOrganization(deps: Dependencies, organization: string): Promise<void> {
  if (await isThere(deps, organization)) return;
  const actor: Principal = {
    kind: 'system',
    id: 'system:bootstrap',
    organization,
    roles: ['owner'],
    enterprise: undefined,
    site: undefined,
  };
  try {
    await createOrganization(deps)(actor, { slug: organization, name: organization, settings: SETTINGS });
  } catch (error) {
    if (!(await isThere(deps, organization))) throw error;
  }
}

async function isThere({ transactions, stores }: Dependencies, slug: string): Promise<boolean> {
  const { items } = await transactions.run(
    { organization: slug },
    (tx) => stores.organizations.list(tx, { where: { slug }, limit: 1 }),
    { readOnly: true },
  );
  return items.length > 0;
}
