import type { EntitySchema } from 'typeorm';
import { accessSchemas } from './access/schemas.ts';
import { trustRuleSchema } from './identity/stores.ts';
import { licensingSchemas } from './licensing/schemas.ts';

/** Every table that is mapped through TypeORM; hot paths and the shared mechanisms speak SQL. */
export const entities: EntitySchema[] = [...accessSchemas, ...licensingSchemas, trustRuleSchema];
