import { activateContract, createContract } from '../licensing/contracts/contracts.ts';
import { createEnterprise } from '../licensing/enterprises/enterprises.ts';
import type { Principal } from '../licensing/model/principal.ts';
import { createOrganization } from '../licensing/organizations/organizations.ts';
import { createProduct } from '../licensing/products/products.ts';
import type { Dependencies } from '../licensing/use-case.ts';

const LIMIT = { code: 'machines', max: 10, scope: 'each', enforce: 'soft' } as const;
const GOLD = { rank: 20, code: 'gold' } as const;
const DAY_SECONDS = 86_400;

/**
 * For an evaluation: an organization with one product, one enterprise and one contract for its sites, by the same use
 * cases as everybody's. Returns what was made; nothing when the
 * organization is there already.
 */
export async function openEvaluationShop(
  deps: Dependencies,
  organization: string,
): Promise<{ enterprise: string; contract: string } | undefined> {
  const { transactions, stores, clock } = deps;
  const isOpen = await transactions.run(
    { organization },
    (tx) => stores.organizations.list(tx, { where: { slug: organization }, limit: 1 }),
    { readOnly: true },
  );
  if (isOpen.items.length > 0) return undefined;
  const actor: Principal = {
    kind: 'system',
    id: 'system:evaluation',
    organization,
    roles: ['owner'],
    enterprise: undefined,
    site: undefined,
  };
  const settings = { secondPerson: false, onFork: 'quarantine-later' } as const;
  const catalog = {
    features: [{ code: 'export', name: 'Export' }],
    limits: [{ code: LIMIT.code, name: 'Machines', unit: 'machines' }],
    tiers: [{ ...GOLD, name: 'Gold' }],
  };
  await createOrganization(deps)(actor, { slug: organization, name: 'Evaluation', settings });
  await createProduct(deps)(actor, { code: 'demo', name: 'Demo product', catalog });
  const enterprise = await createEnterprise(deps)(actor, { slug: 'globex', name: 'Globex Corporation' });
  const year = clock.now().getUTCFullYear();
  const contract = await createContract(deps)(actor, {
    enterprise: enterprise.id,
    number: 'EVALUATION-1',
    terms: {
      tier: GOLD,
      features: ['demo', 'demo/export'],
      limits: [LIMIT],
      siteCaps: { production: 5, development: 'unlimited', recovery: 1 },
      modeChanges: true,
      graceSeconds: 14 * DAY_SECONDS,
      contactSeconds: 60 * DAY_SECONDS,
      degrade: 'readOnly',
      bindingNeed: 0,
    },
    term: { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' },
  });
  await activateContract(deps)(actor, { id: contract.id, version: contract.version });
  return { enterprise: enterprise.slug, contract: contract.id };
}
