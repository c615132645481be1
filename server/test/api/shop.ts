import { makeCsr } from '@licet/authority/workshop';
import { encodePem } from '@licet/format';
import type { Client } from './client.ts';

/** One of everything, in one organization. */
export type Shop = {
  readonly product: string;
  readonly plan: string;
  readonly enterprise: string;
  readonly contract: string;
  readonly site: string;
  /** The serial of the license of another site; of an organization without a CA one that is nowhere. */
  readonly license: string;
  readonly token: string;
  readonly enrolment: string;
  readonly alert: string;
  readonly person: string;
  /** Of an organization without a second person there are none: an id that is nowhere. */
  readonly approval: string;
  readonly provider: string;
  readonly rule: string;
  readonly incident: string;
  readonly webhook: string;
  readonly recipient: string;
};

export const TERMS = {
  tier: { rank: 20, code: 'gold' },
  limits: [{ code: 'machines', max: 10, scope: 'pool', enforce: 'hard' }],
  siteCaps: { production: 5, development: 'unlimited' },
  modeChanges: true,
  graceSeconds: 86_400,
  contactSeconds: 86_400,
  degrade: 'warn',
  bindingNeed: 0,
};

export const CATALOG = {
  features: [{ code: 'remote', name: 'Remote control' }],
  limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
  tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
};

export async function openShop(api: Client, name: string): Promise<Shop & { readonly before: object }> {
  const make = async (path: string, body: unknown) => (await api.ok('POST', path, body)).body as { id: string };
  const product = await make('/api/v1/products', { code: name, name, catalog: CATALOG });
  const terms = { ...TERMS, features: [name, `${name}/remote`] };
  const plan = await make('/api/v1/plans', { code: name, name, terms, months: 12, requestsPerMonth: 'unlimited' });
  const enterprise = await make('/api/v1/enterprises', { slug: name, name });
  const year = new Date().getUTCFullYear();
  const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' };
  const contract = await make('/api/v1/contracts', { enterprise: enterprise.id, number: name, plan: plan.id, term });
  await api.ok('POST', `/api/v1/contracts/${contract.id}/activate`, undefined, { 'If-Match': '*' });
  const wanted = { contract: contract.id, name: 'plant-1', mode: 'production' };
  const { site, enrolment } = (await api.ok('POST', '/api/v1/sites/create', wanted)).body as {
    site: { id: string };
    enrolment: { id: string };
  };
  const csr = encodePem('CERTIFICATE REQUEST', makeCsr('P-256'));
  const licensed = { contract: contract.id, name: 'plant-2', mode: 'development', csr };
  const { license } = (await api.call('POST', '/api/v1/sites/create', licensed)).body as {
    license?: { serial: string };
  };
  const token = await make('/api/v1/tokens', { name, roles: ['auditor'], days: 1 });
  const alert = await make('/api/v1/alerts', {
    kind: 'license-invalid',
    serial: `0${name.length}ab`,
    codes: ['EXPIRED'],
  });
  const person = await make('/api/v1/people', { email: `${name}@example.com`, name, roles: ['auditor'] });
  const provider = await make('/api/v1/providers', {
    name,
    issuer: 'https://login.example',
    clientId: name,
    algorithms: ['ES256'],
    trustsEmail: false,
  });
  const rule = await make('/api/v1/trust-rules', {
    name,
    contract: contract.id,
    mode: 'development',
    issuer: 'https://builds.example',
    audience: 'licet',
    conditions: { repository_id: ['74'] },
    siteClaim: 'repository_id',
  });
  const incident = await make('/api/v1/renewal-incidents', {
    enterprise: enterprise.id,
    explanation: 'A drill.',
    hours: 1,
  });
  const hears = { name, enterprise: enterprise.id };
  const webhook = await make('/api/v1/webhooks', { ...hears, url: 'https://hooks.example/', events: ['license.*'] });
  const mailed = { ...hears, address: `desk@${name}.example`, events: ['alert.opened'] };
  const recipient = await make('/api/v1/mail-recipients', mailed);
  return {
    product: product.id,
    plan: plan.id,
    enterprise: enterprise.id,
    contract: contract.id,
    site: site.id,
    license: license?.serial ?? `0a${'bc'.repeat(16)}`,
    token: token.id,
    enrolment: enrolment.id,
    alert: alert.id,
    person: person.id,
    approval: '00000000-0000-7000-8000-000000000001',
    provider: provider.id,
    rule: rule.id,
    incident: incident.id,
    webhook: webhook.id,
    recipient: recipient.id,
    before: site,
  };
}
