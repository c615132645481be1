import type { EntitySchema, FindOptionsWhere, QueryDeepPartialEntity } from 'typeorm';
import { LicetError } from '../../licensing/errors.ts';
import type { Entity } from '../../licensing/model/entity.ts';
import { isId } from '../../licensing/model/id.ts';
import type { Collection } from '../../licensing/ports/collection.ts';
import { codeOf } from '../faults.ts';
import { sql } from '../transactions.ts';
import { cursorOf, pageWhere, way } from './keyset.ts';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** The collection of one table. `thing` is what error codes and sentences call a row. */
export function createCollection<T extends Entity>(schema: EntitySchema<T>, thing: string): Collection<T> {
  const repository = (tx: Parameters<Collection<T>['get']>[0]) => sql(tx).manager.getRepository(schema);
  const byId = (id: string) => ({ id }) as FindOptionsWhere<T>;
  return {
    async insert(tx, entity) {
      await repository(tx)
        .insert(entity as QueryDeepPartialEntity<T>)
        .catch((error: unknown) => {
          throw conflictOf(error, thing);
        });
    },
    async get(tx, id) {
      return isId(id) ? ((await repository(tx).findOneBy(byId(id))) ?? undefined) : undefined;
    },
    async lock(tx, id) {
      if (!isId(id)) return undefined;
      return (await repository(tx).findOne({ where: byId(id), lock: { mode: 'pessimistic_write' } })) ?? undefined;
    },
    async replace(tx, entity) {
      const seen = { id: entity.id, version: entity.version - 1 } as FindOptionsWhere<T>;
      const { affected } = await repository(tx)
        .update(seen, nulled(entity) as QueryDeepPartialEntity<T>)
        .catch((error: unknown) => {
          throw conflictOf(error, thing);
        });
      if (affected !== 1) {
        throw new LicetError('stale', 'VERSION_STALE', `The ${thing} was changed meanwhile; read it again and repeat.`);
      }
    },
    async list(tx, query) {
      const items = await repository(tx).find({
        where: pageWhere(query),
        order: { ...(query.by && { [query.by]: way(query) }), id: way(query) } as object,
        take: query.limit + 1,
      });
      const page = items.slice(0, query.limit);
      return { items: page, next: items.length > query.limit ? cursorOf(page.at(-1)!, query.by) : undefined };
    },
    async count(tx, where) {
      return repository(tx).countBy(where as FindOptionsWhere<T>);
    },
  };
}

/** TypeORM leaves alone what is undefined: what is no longer there would stay. */
const nulled = (entity: object): object =>
  Object.fromEntries(Object.entries(entity).map(([name, value]) => [name, value ?? null]));

function conflictOf(error: unknown, thing: string): unknown {
  const name = thing.toUpperCase().replaceAll(' ', '_');
  switch (codeOf(error)) {
    case UNIQUE_VIOLATION:
      return new LicetError('conflict', `${name}_EXISTS`, `There is such a ${thing} already; choose another name.`, {
        cause: error,
      });
    case FOREIGN_KEY_VIOLATION:
      return new LicetError('conflict', `${name}_REFERENCE`, `The ${thing} refers to something that does not exist.`, {
        cause: error,
      });
    default:
      return error;
  }
}
