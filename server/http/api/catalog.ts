import { z } from 'zod';
import { changePlan, createPlan, retirePlan } from '../../licensing/plans/plans.ts';
import { changeProduct, createProduct, retireProduct } from '../../licensing/products/products.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { input, output } from './examples.ts';
import { type Kind, readEndpoints, stepEndpoint } from './things.ts';
import { json, planView, productView, versioned } from './views.ts';
import type { Plan } from '../../licensing/model/plan.ts';
import type { Product } from '../../licensing/model/product.ts';
import { idParams } from './wire.ts';

const status = z.enum(['active', 'retired']).optional();
const code = z.string().max(64).optional();

const product: Kind<Product, z.output<typeof productView>> = {
  thing: 'product',
  name: 'Product',
  path: '/api/v1/products',
  tag: 'Catalog',
  read: 'product.read',
  view: productView,
  toJson: json.product,
  example: output.product,
  collection: ({ licensing }) => licensing.stores.products,
  filters: { code, status },
  sortable: ['code', 'name', 'updatedAt'],
};

const plan: Kind<Plan, z.output<typeof planView>> = {
  thing: 'plan',
  name: 'Plan',
  path: '/api/v1/plans',
  tag: 'Catalog',
  read: 'plan.read',
  view: planView,
  toJson: json.plan,
  example: output.plan,
  collection: ({ licensing }) => licensing.stores.plans,
  filters: { code, status },
  sortable: ['code', 'name', 'updatedAt'],
};

/** What terms can be refused for, beyond their form. */
export const TERMS_REFUSALS = {
  PRODUCT_UNKNOWN: 400,
  FEATURE_UNKNOWN: 400,
  LIMIT_UNKNOWN: 400,
  TIER_UNKNOWN: 400,
} as const;

export const catalogEndpoints: readonly Endpoint[] = [
  ...readEndpoints(product),
  endpoint({
    method: 'POST',
    path: '/api/v1/products',
    operation: 'createProduct',
    tag: 'Catalog',
    summary: 'Create a product',
    action: 'product.create',
    body: createProduct.input,
    repeats: () => 'in-transaction',
    status: 201,
    answer: productView,
    example: { body: input.product, answer: output.product },
    refusals: { PRODUCT_EXISTS: 409 },
    run: ({ principal, body }, { licensing }) => createProduct(licensing)(principal, body),
    reply: (it) => ({ ...versioned(json.product)(it), location: `/api/v1/products/${it.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/products/:id',
    operation: 'changeProduct',
    tag: 'Catalog',
    summary: 'Change a product',
    description: 'A new catalog is a new version of it: contracts keep what they were sold with.',
    action: 'product.change',
    params: idParams,
    body: changeProduct.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: productView,
    example: { body: { name: 'Press' }, answer: output.product },
    refusals: { PRODUCT_NOT_FOUND: 404 },
    run: ({ principal, params, body, version }, { licensing }) =>
      changeProduct(licensing)(principal, { ...body, id: params.id, version }),
    reply: versioned(json.product),
  }),
  stepEndpoint(product, {
    step: 'retire',
    method: 'DELETE',
    action: 'product.retire',
    useCase: retireProduct,
    description: 'It is not for sale any more. Contracts that name it stay as they are.',
  }),
  ...readEndpoints(plan),
  endpoint({
    method: 'POST',
    path: '/api/v1/plans',
    operation: 'createPlan',
    tag: 'Catalog',
    summary: 'Create a plan',
    action: 'plan.create',
    body: createPlan.input,
    repeats: () => 'in-transaction',
    status: 201,
    answer: planView,
    example: { body: input.plan, answer: output.plan },
    refusals: { PLAN_EXISTS: 409, ...TERMS_REFUSALS },
    run: ({ principal, body }, { licensing }) => createPlan(licensing)(principal, body),
    reply: (it) => ({ ...versioned(json.plan)(it), location: `/api/v1/plans/${it.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/plans/:id',
    operation: 'changePlan',
    tag: 'Catalog',
    summary: 'Change a plan',
    description: 'Changes no contract: what was sold was sold.',
    action: 'plan.change',
    params: idParams,
    body: changePlan.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: planView,
    example: { body: { name: 'Gold, yearly' }, answer: output.plan },
    refusals: { PLAN_NOT_FOUND: 404, ...TERMS_REFUSALS },
    run: ({ principal, params, body, version }, { licensing }) =>
      changePlan(licensing)(principal, { ...body, id: params.id, version }),
    reply: versioned(json.plan),
  }),
  stepEndpoint(plan, {
    step: 'retire',
    method: 'DELETE',
    action: 'plan.retire',
    useCase: retirePlan,
    description: 'It is not sold any more. Contracts made from it stay as they are.',
  }),
];
