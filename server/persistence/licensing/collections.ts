import { createCollection } from './collection.ts';
import {
  contractSchema,
  enterpriseSchema,
  organizationSchema,
  planSchema,
  productSchema,
  siteSchema,
} from './schemas.ts';

/** The stored things of the licensing domain. */
export const collections = {
  organizations: createCollection(organizationSchema, 'organization'),
  products: createCollection(productSchema, 'product'),
  plans: createCollection(planSchema, 'plan'),
  enterprises: createCollection(enterpriseSchema, 'enterprise'),
  contracts: createCollection(contractSchema, 'contract'),
  sites: createCollection(siteSchema, 'site'),
};
