import { z } from 'zod';
import { assertWholeOrganization, found } from '../entities.ts';
import { reference } from '../fields.ts';
import { ALERT_KINDS } from '../model/alert.ts';
import type { Principal } from '../model/principal.ts';
import type { Hears } from '../model/receiver.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { Dependencies } from '../use-case.ts';

const unlike = (list: readonly string[]): boolean => new Set(list).size === list.length;

export const events = <Type extends string>(types: readonly [Type, ...Type[]]) =>
  z
    .array(z.enum(types))
    .min(1)
    .max(100)
    .refine(unlike, 'must name each once')
    .describe('Which events: types, kinds of types (`license.*`), or `*`.');

export const alertKinds = z
  .array(z.enum(ALERT_KINDS))
  .max(ALERT_KINDS.length)
  .refine(unlike, 'must name each once')
  .describe('Of events about alerts, only those of these kinds; empty: of all.')
  .meta({ example: ['clone-suspected'] });

export const enterprise = reference('enterprise').describe('Only what is about this enterprise.');

/** What belongs to the organization is managed by those who see all of it, also where it is about one enterprise. */
export async function assertMayHear(
  { stores }: Dependencies,
  tx: Transaction,
  actor: Principal,
  wanted: Pick<Hears, 'enterprise'>,
): Promise<void> {
  assertWholeOrganization(actor);
  if (wanted.enterprise !== undefined) found('enterprise', await stores.enterprises.get(tx, wanted.enterprise));
}
