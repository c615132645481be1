import { LicetError } from '../errors.ts';
import type { Product } from '../model/product.ts';
import type { Terms } from '../model/terms.ts';
import type { Stores } from '../ports/stores.ts';
import type { Transaction } from '../ports/transactions.ts';
import { encodeClaims } from '@licet/format';
import { contractClaims } from './claims.ts';

/** More products than any contract names, so that one page has them all. */
const PRODUCTS_MOST = 500;

/**
 * Terms must be something that can be sold: every name is in the catalog of a product that is for sale, and what comes
 * of them fits into a certificate. Returns the version of each catalog that they were checked against.
 */
export async function checkTerms(stores: Stores, tx: Transaction, terms: Terms): Promise<Record<string, number>> {
  const page = await stores.products.list(tx, { where: { status: 'active' }, limit: PRODUCTS_MOST });
  const forSale = new Map(page.items.map((product) => [product.code, product]));
  const products = [...new Set(terms.features.map((feature) => feature.split('/')[0]!))].map((code) => {
    const product = forSale.get(code);
    if (product === undefined) throw unknown('features', 'PRODUCT_UNKNOWN', `There is no product "${code}" for sale.`);
    return product;
  });
  checkFeatures(terms, forSale);
  checkLimits(terms, products);
  checkTier(terms, products);
  checkSize(terms);
  return Object.fromEntries(products.map(({ code, catalogVersion }) => [code, catalogVersion]));
}

function checkFeatures({ features }: Terms, forSale: ReadonlyMap<string, Product>): void {
  features.forEach((feature, at) => {
    const [product = '', name] = feature.split('/');
    if (name === undefined || forSale.get(product)!.catalog.features.some(({ code }) => code === name)) return;
    throw unknown(`features/${at}`, 'FEATURE_UNKNOWN', `The catalog of "${product}" has no feature "${name}".`);
  });
}

function checkLimits({ limits }: Terms, products: readonly Product[]): void {
  limits.forEach(({ code }, at) => {
    if (products.some(({ catalog }) => catalog.limits.some((limit) => limit.code === code))) return;
    throw unknown(`limits/${at}`, 'LIMIT_UNKNOWN', `No product of these terms has a limit "${code}" in its catalog.`);
  });
}

function checkTier({ tier }: Terms, products: readonly Product[]): void {
  const tiers = products.flatMap(({ catalog }) => catalog.tiers);
  if (tiers.some(({ rank, code }) => rank === tier.rank && code === tier.code)) return;
  throw unknown('tier', 'TIER_UNKNOWN', `No product of these terms has a tier "${tier.code}" of rank ${tier.rank}.`);
}

/** Refused here, where somebody can still change it, and not when the first license is due. */
function checkSize(terms: Terms): void {
  const term = { firstDay: '2000-01-01', lastDay: '2000-01-01', timeZone: 'UTC' };
  encodeClaims(contractClaims({ id: '00000000-0000-0000-0000-000000000000', version: 1, terms, term }));
}

const unknown = (where: string, code: string, message: string): LicetError =>
  new LicetError('invalid', code, message, { pointer: `/terms/${where}` });
