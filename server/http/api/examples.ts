/** One story for all examples of the document: Acme sells its presses to Globex. */
const ENTERPRISE = '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f01';
const CONTRACT = '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f02';
const PLAN = '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f03';
const SITE = '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f04';

const stored = (id: string) => ({
  id,
  createdAt: '2026-01-02T09:00:00.000Z',
  updatedAt: '2026-01-02T09:00:00.000Z',
  version: 1,
});

const catalog = {
  features: [{ code: 'remote', name: 'Remote control' }],
  limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
  tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
};

const terms = {
  tier: { rank: 20, code: 'gold' },
  features: ['press', 'press/remote'],
  limits: [{ code: 'machines', max: 10, scope: 'each', enforce: 'soft' }],
  siteCaps: { production: 5, development: 'unlimited' },
  modeChanges: true,
  graceSeconds: 1_209_600,
  contactSeconds: 604_800,
  degrade: 'warn',
  reporting: { every: 86_400, required: true },
  bindingNeed: 0,
};

const term = { firstDay: '2026-01-01', lastDay: '2026-12-31', timeZone: 'Europe/Berlin' };
const labels = { region: 'north' };

export const input = {
  product: { code: 'press', name: 'Press', catalog },
  plan: { code: 'gold-yearly', name: 'Gold, yearly', terms, months: 12, requestsPerMonth: 100_000 },
  enterprise: { slug: 'globex', name: 'Globex Corporation', labels },
  contract: { enterprise: ENTERPRISE, number: 'C-2026-0042', plan: PLAN, term, labels },
  site: { enterprise: ENTERPRISE, contract: CONTRACT, name: 'plant-1', mode: 'production', labels },
};

export const output = {
  organization: {
    ...stored('019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f00'),
    slug: 'acme',
    name: 'Acme',
    status: 'active',
    settings: { secondPerson: false, onFork: 'quarantine-later' },
  },
  product: { ...stored('019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f05'), ...input.product, status: 'active', catalogVersion: 1 },
  plan: { ...stored(PLAN), ...input.plan, status: 'active' },
  enterprise: { ...stored(ENTERPRISE), ...input.enterprise, status: 'active', held: false },
  contract: { ...stored(CONTRACT), ...input.contract, status: 'active', terms, endsAt: '2026-12-31T23:00:00.000Z' },
  site: {
    ...stored(SITE),
    ...input.site,
    status: 'pending',
    shares: {},
    isBound: false,
    lineage: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f07',
  },
};

export const ids = { ENTERPRISE, CONTRACT, PLAN, SITE };
export const pageExample = (item: unknown) => ({ items: [item] });
