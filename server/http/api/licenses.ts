import { MODES } from '@licet/format';
import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { found } from '../../licensing/entities.ts';
import { serial } from '../../licensing/fields.ts';
import { bundleOf } from '../../licensing/licenses/bundle.ts';
import { resolveFork } from '../../licensing/licenses/fork.ts';
import type { License } from '../../licensing/model/license.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type { Fork } from '../../licensing/ports/licenses.ts';
import { reading } from '../../licensing/use-case.ts';
import { type Endpoint, endpoint, type Use } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { JOURNAL_REFUSALS } from './guarded.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { licenseExample } from './pem.ts';
import { idFilter } from './things.ts';
import { idParams, instant, serialParams } from './wire.ts';

const STATUSES = ['current', 'superseded', 'suspended', 'revoked'] as const;

const licenseView = z
  .strictObject({
    serial: z.string(),
    status: z.enum(STATUSES).meta({ description: 'As the authority knows it; that it has expired is not said here.' }),
    enterprise: z.uuid(),
    contract: z.uuid(),
    site: z.uuid(),
    lineage: z.uuid(),
    sequence: z.int().meta({ description: 'The number of the license in its lineage.' }),
    mode: z.enum(MODES),
    predecessor: z.string().optional(),
    successor: z.string().optional().meta({ description: 'The license that came of it by a renewal.' }),
    notBefore: instant,
    notAfter: instant,
  })
  .meta({ id: 'License' });

const licenseJson = (it: License): z.output<typeof licenseView> => ({
  serial: it.serial,
  status: it.status,
  enterprise: it.enterprise,
  contract: it.contract,
  site: it.site,
  lineage: it.lineage,
  sequence: it.sequence,
  mode: it.mode,
  ...(it.predecessor !== undefined && { predecessor: it.predecessor }),
  ...(it.renewal?.successor !== undefined && { successor: it.renewal.successor }),
  notBefore: it.notBefore.toISOString(),
  notAfter: it.notAfter.toISOString(),
});

const example = {
  serial: licenseExample.serial,
  status: 'current',
  enterprise: ids.ENTERPRISE,
  contract: ids.CONTRACT,
  site: ids.SITE,
  lineage: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f07',
  sequence: 1,
  mode: 'production',
  notBefore: licenseExample.notBefore,
  notAfter: licenseExample.notAfter,
};

const whole = licenseView.extend({
  pem: z.string().optional().meta({ description: 'With its chain, the root last. Gone when it is no longer kept.' }),
});

const forkView = z
  .strictObject({
    site: z.uuid(),
    name: z.string(),
    enterprise: z.uuid(),
    lineage: z.uuid(),
    forkedFrom: z.string().optional().meta({ description: 'The license that was renewed twice.' }),
    licenses: z.array(licenseView).meta({ description: 'What the machines may hold: one of these is the survivor.' }),
  })
  .meta({ id: 'Fork' });

const forkJson = ({ forkedFrom, licenses, ...rest }: Fork): z.output<typeof forkView> => ({
  ...rest,
  ...(forkedFrom !== undefined && { forkedFrom }),
  licenses: licenses.map(licenseJson),
});

async function one({ licensing }: Use, principal: Principal, name: string): Promise<License> {
  const { enterprise, site } = boundsOf(principal, 'license.read');
  const it = await reading(licensing, principal, (tx) => licensing.stores.licenses.get(tx, name));
  const isOut = (enterprise ?? it?.enterprise) !== it?.enterprise || (site ?? it?.site) !== it?.site;
  return found('license', isOut ? undefined : it);
}

export const licenseEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/licenses',
    operation: 'listLicenses',
    tag: 'Sites',
    summary: 'List licenses, by the day on which they end',
    action: 'license.read',
    query: pageQuery.extend({
      enterprise: idFilter('enterprise'),
      contract: idFilter('contract'),
      site: idFilter('site'),
      lineage: idFilter('lineage'),
      status: z.enum(STATUSES).optional(),
      mode: z.enum(MODES).optional(),
      serial: serial.optional(),
    }),
    status: 200,
    answer: pageOf(licenseView),
    example: { answer: pageExample(example) },
    run({ principal, query: { limit, after, order, ...where } }, { licensing }) {
      const bounds = boundsOf(principal, 'license.read');
      const isForeign =
        (bounds.enterprise ?? where.enterprise ?? '') !== (where.enterprise ?? bounds.enterprise ?? '') ||
        (bounds.site ?? where.site ?? '') !== (where.site ?? bounds.site ?? '');
      if (isForeign) return Promise.resolve({ items: [], next: undefined });
      const query = { ...where, ...bounds, ...listed<License>({ limit, after, order }) };
      return reading(licensing, principal, (tx) => licensing.stores.licenses.list(tx, query));
    },
    reply: ({ items, next }) => ({
      body: { items: items.map(licenseJson), ...(next !== undefined && { next }) },
      next,
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/licenses/:serial',
    operation: 'readLicense',
    tag: 'Sites',
    summary: 'Read a license, with its certificates',
    action: 'license.read',
    params: serialParams,
    status: 200,
    answer: whole,
    example: { params: { serial: example.serial }, answer: { ...example, pem: licenseExample.pem } },
    refusals: { LICENSE_NOT_FOUND: 404 },
    async run({ principal, params }, use) {
      const it = await one(use, principal, params.serial);
      return { it, issued: await use.licensing.issuance.find(it.organization, it.serial) };
    },
    reply: ({ it, issued }) => ({
      body: {
        ...licenseJson(it),
        ...(issued && { pem: bundleOf(issued) }),
      },
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/forks',
    operation: 'listForks',
    tag: 'Sites',
    summary: 'List the sites of which two machines have renewed the license',
    action: 'fork.read',
    query: pageQuery.omit({ order: true }),
    status: 200,
    answer: pageOf(forkView),
    example: {
      answer: pageExample({
        site: ids.SITE,
        name: 'plant-1',
        enterprise: ids.ENTERPRISE,
        lineage: example.lineage,
        forkedFrom: '01f3a86c0d9be1447f52c0f6a9d3e85b17',
        licenses: [example],
      }),
    },
    run({ principal, query: { limit, after } }, { licensing }) {
      const { enterprise } = boundsOf(principal, 'fork.read');
      const at = licensing.clock.now();
      return reading(licensing, principal, (tx) =>
        licensing.stores.licenses.forks(tx, { enterprise, after, limit }, at),
      );
    },
    reply: ({ items, next }) => ({ body: { items: items.map(forkJson), ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/sites/:id/survivor',
    operation: 'chooseSurvivor',
    tag: 'Sites',
    summary: 'Say which of two machines is the site',
    description: 'The license of this serial can be renewed again; every other of the site is revoked.',
    action: 'fork.resolve',
    params: idParams,
    body: z.strictObject({ serial: serial.describe('The serial of the license on the machine that counts.') }),
    status: 200,
    answer: z.strictObject({ survivor: z.string(), revoked: z.array(z.string()) }),
    example: { body: { serial: example.serial }, answer: { survivor: example.serial, revoked: ['01f3a86c0d9b'] } },
    refusals: {
      SITE_NOT_FOUND: 404,
      LINEAGE_NOT_FOUND: 404,
      LICENSE_NOT_FOUND: 404,
      NOT_FORKED: 409,
      LICENSE_REVOKED: 409,
      ...JOURNAL_REFUSALS,
    },
    run: ({ principal, params, body }, { licensing }) =>
      resolveFork(licensing)(principal, { site: params.id, survivor: body.serial }),
    reply: ({ survivor, revoked }) => ({ body: { survivor, revoked: [...revoked] } }),
  }),
];
