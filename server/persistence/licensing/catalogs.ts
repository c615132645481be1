import type { Catalog } from '../../licensing/model/product.ts';
import type { Catalogs } from '../../licensing/ports/stores.ts';
import { sql } from '../transactions.ts';

export const catalogs: Catalogs = {
  async add(tx, { organization, id, catalogVersion, catalog, updatedAt }) {
    await sql(tx).query(
      'insert into product_catalogs (organization, product, version, catalog, created_at) values ($1, $2, $3, $4, $5)',
      [organization, id, catalogVersion, JSON.stringify(catalog), updatedAt],
    );
  },

  async get(tx, productCode, version) {
    const rows = await sql(tx).query<{ catalog: Catalog }>(
      `select c.catalog from product_catalogs c
         join products p on p.organization = c.organization and p.id = c.product
        where p.code = $1 and c.version = $2`,
      [productCode, version],
    );
    return rows[0]?.catalog;
  },
};
