import { z } from 'zod';
import { assertSeen, assertWholeOrganization, changed, found, newEntity } from '../entities.ts';
import { code, count, displayName, reference, text, version } from '../fields.ts';
import { LicetError } from '../errors.ts';
import type { Product } from '../model/product.ts';
import { inTransaction, useCase } from '../use-case.ts';

const named = { code, name: displayName };
const uniqueCodes = (list: readonly { readonly code: string }[]): boolean =>
  new Set(list.map((one) => one.code)).size === list.length;

const catalog = z
  .strictObject({
    features: z
      .array(z.strictObject(named))
      .max(256)
      .refine(uniqueCodes, 'must name each feature once')
      .describe('Without the prefix of the product: "remote" becomes "press/remote".'),
    limits: z
      .array(z.strictObject({ ...named, unit: text(32).describe('What is counted.').meta({ example: 'machines' }) }))
      .max(64)
      .refine(uniqueCodes, 'must name each limit once')
      .describe('What is licensed by quantity.'),
    tiers: z
      .array(z.strictObject({ ...named, rank: count.max(65_535).describe('A higher rank is more.') }))
      .min(1)
      .max(64)
      .refine(uniqueCodes, 'must name each tier once')
      .refine((list) => new Set(list.map(({ rank }) => rank)).size === list.length, 'must give each tier its own rank')
      .describe('The levels at which the product is sold.'),
  })
  .describe('What there is to be sold of a product.')
  .meta({
    example: {
      features: [{ code: 'remote', name: 'Remote control' }],
      limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
      tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
    },
  });

export const createProduct = useCase(
  z.strictObject({ code: code.describe('The first part of the names of its features.'), name: displayName, catalog }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      const product: Product = {
        ...newEntity(deps, actor.organization, at),
        ...input,
        status: 'active',
        catalogVersion: 1,
      };
      await deps.stores.products.insert(tx, product);
      await deps.stores.catalogs.add(tx, product);
      note({ action: 'product.created', subject: `product:${product.id}`, details: { code: product.code } });
      return product;
    }),
);

/** A new catalog is a new version: contracts keep what they were sold with. */
export const changeProduct = useCase(
  z.strictObject({ id: reference('product'), version, name: displayName.optional(), catalog: catalog.optional() }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      const before = found('product', await deps.stores.products.lock(tx, input.id));
      assertSeen('product', before, input.version);
      const after = changed(before, at, {
        name: input.name ?? before.name,
        catalog: input.catalog ?? before.catalog,
        catalogVersion: before.catalogVersion + (input.catalog === undefined ? 0 : 1),
      });
      await deps.stores.products.replace(tx, after);
      if (input.catalog !== undefined) await deps.stores.catalogs.add(tx, after);
      const details = { catalogVersion: after.catalogVersion };
      note({ action: 'product.changed', subject: `product:${after.id}`, details });
      return after;
    }),
);

/** Not for sale any more. Contracts that name it stay as they are. */
export const retireProduct = useCase(z.strictObject({ id: reference('product'), version }), (deps, actor, input) =>
  inTransaction(deps, actor, async ({ tx, at, note }) => {
    assertWholeOrganization(actor);
    const before = found('product', await deps.stores.products.lock(tx, input.id));
    assertSeen('product', before, input.version);
    if (before.status === 'retired') {
      throw new LicetError('conflict', 'TRANSITION_REFUSED', 'This product is retired already.');
    }
    const after = changed(before, at, { status: 'retired' });
    await deps.stores.products.replace(tx, after);
    note({ action: 'product.retired', subject: `product:${after.id}` });
    return after;
  }),
);
