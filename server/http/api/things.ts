import { z } from 'zod';
import type { Action } from '../../licensing/access/actions.ts';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { found } from '../../licensing/entities.ts';
import type { Entity } from '../../licensing/model/entity.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type { Collection } from '../../licensing/ports/collection.ts';
import { reading, type UseCase } from '../../licensing/use-case.ts';
import { type Endpoint, endpoint, type Tag, type Use } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { listed, orderBy, pageOf, pageQuery } from './paging.ts';
import { versioned } from './views.ts';
import { idParams } from './wire.ts';

/** A kind of stored thing, as far as all kinds are alike on the wire. */
export type Kind<T extends Entity, View> = {
  /** As in its error codes: `enterprise`. */
  readonly thing: string;
  /** As in operation names: `Enterprise`. */
  readonly name: string;
  readonly path: `/api/v1/${string}`;
  readonly tag: Tag;
  readonly read: Action;
  readonly view: z.ZodType<View>;
  readonly toJson: (it: T) => View;
  readonly example: unknown;
  readonly collection: (use: Use) => Collection<T>;
  /** Equality filters of the list, named as fields of the thing. */
  readonly filters: z.ZodRawShape;
  /** Fields that the list can be sorted by; every one of the things has them. */
  readonly sortable: readonly (keyof T & string)[];
  /** Whose it is; without it, the organization's. */
  readonly enterpriseOf?: (it: T) => string;
  /** The field by which a list is limited to one enterprise, and to one site. */
  readonly enterpriseField?: 'id' | 'enterprise';
};

const article = (noun: string): string => (/^[aeio]/i.test(noun) ? `an ${noun}` : `a ${noun}`);

/** Nothing that a principal cannot see: neither in a list nor by its id. */
export function readEndpoints<T extends Entity, View>(kind: Kind<T, View>): readonly Endpoint[] {
  const { collection, example, filters, name, path, read: action, sortable, tag, thing, toJson, view } = kind;
  return [
    endpoint({
      method: 'GET',
      path,
      operation: `list${name}s`,
      tag,
      summary: `List ${thing}s`,
      action,
      query: pageQuery.extend({ order: orderBy(...sortable), ...filters }),
      status: 200,
      answer: pageOf(view),
      example: { answer: pageExample(example) },
      run({ principal, query }, use) {
        const { limit, after, order, ...where } = query;
        const list = { ...listed<T>({ limit, after, order }), where: within(kind, principal, where as Partial<T>) };
        return reading(use.licensing, principal, (tx) => collection(use).list(tx, list));
      },
      reply: ({ items, next }) => ({
        body: { items: items.map(toJson), ...(next !== undefined && { next }) },
        next,
      }),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:id`,
      operation: `read${name}`,
      tag,
      summary: `Read ${article(thing)}`,
      action,
      params: idParams,
      status: 200,
      answer: view,
      example: { answer: example },
      refusals: { [`${thing.toUpperCase().replaceAll(' ', '_')}_NOT_FOUND`]: 404 },
      run: ({ principal, params }, use) =>
        reading(use.licensing, principal, async (tx) =>
          visible(kind, principal, await collection(use).get(tx, params.id)),
        ),
      reply: versioned(toJson),
    }),
  ];
}

function within<T extends Entity>(kind: Kind<T, unknown>, principal: Principal, where: Partial<T>): Partial<T> {
  const bounds = boundsOf(principal, kind.read);
  const field = kind.enterpriseField;
  return {
    ...where,
    ...(bounds.site !== undefined && { id: bounds.site }),
    ...(bounds.enterprise !== undefined && field !== undefined && { [field]: own(where, field, bounds.enterprise) }),
  };
}

/** An id that no row has, where somebody else's was asked for. */
const NOWHERE = '00000000-0000-0000-0000-000000000000';

function own(where: object, field: string, enterprise: string): string {
  const asked = (where as Record<string, unknown>)[field];
  return asked === undefined || asked === enterprise ? enterprise : NOWHERE;
}

export function visible<T extends Entity>(kind: Kind<T, unknown>, principal: Principal, it: T | undefined): T {
  const { site } = boundsOf(principal, kind.read);
  return found(kind.thing, site !== undefined && it?.id !== site ? undefined : it, principal, kind.enterpriseOf);
}

/** What a step answers with. */
export type Stepped<T extends Entity, View> = Pick<
  Kind<T, View>,
  'example' | 'name' | 'path' | 'tag' | 'thing' | 'toJson' | 'view'
>;

/** The steps of a life: `POST /api/v1/contracts/:id/suspend`. */
export function stepEndpoint<T extends Entity, View>(
  { example, name, path, tag, thing, toJson, view }: Stepped<T, View>,
  {
    step,
    action,
    useCase,
    description,
    summary = `${step[0]?.toUpperCase()}${step.slice(1)} ${article(thing)}`,
    method = 'POST',
    refusals = {},
  }: {
    readonly step: string;
    readonly action: Action;
    readonly useCase: UseCase<z.ZodObject<{ id: z.ZodString; version: z.ZodOptional<z.ZodNumber> }>, T>;
    readonly description: string;
    readonly summary?: string;
    /** DELETE for the last step of all: what is gone stays readable. */
    readonly method?: 'POST' | 'DELETE';
    readonly refusals?: Endpoint['refusals'];
  },
): Endpoint {
  return endpoint({
    method,
    path: method === 'DELETE' ? `${path}/:id` : `${path}/:id/${step}`,
    operation: `${step}${name}`,
    tag,
    summary,
    description,
    action,
    params: idParams,
    changesVersion: true,
    status: 200,
    answer: view,
    example: { answer: example },
    refusals: { [`${thing.toUpperCase()}_NOT_FOUND`]: 404, TRANSITION_REFUSED: 409, ...refusals },
    run: ({ principal, params, version }, use) => useCase(use.licensing)(principal, { id: params.id, version }),
    reply: versioned(toJson),
  });
}

/** Filters whose value is an id: what is none finds nothing, instead of an error of the database. */
export const idFilter = (thing: string) =>
  z
    .uuid()
    .optional()
    .meta({ description: `Only those of this ${thing}.` });
