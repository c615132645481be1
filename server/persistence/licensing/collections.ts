import { createCollection } from './collection.ts';
import {
  contractSchema,
  enterpriseSchema,
  mailRecipientSchema,
  organizationSchema,
  planSchema,
  productSchema,
  siteSchema,
  webhookSchema,
} from './schemas.ts';

/** The stored things of the licensing domain. */
export const collections = {
  organizations: createCollection(organizationSchema, 'organization'),
  products: createCollection(productSchema, 'product'),
  plans: createCollection(planSchema, 'plan'),
  enterprises: createCollection(enterpriseSchema, 'enterprise'),
  contracts: createCollection(contractSchema, 'contract'),
  sites: createCollection(siteSchema, 'site'),
  webhooks: createCollection(webhookSchema, 'webhook'),
  mailRecipients: createCollection(mailRecipientSchema, 'mail recipient'),
};
