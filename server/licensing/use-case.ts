import type { z } from 'zod';
import type { EventType } from './notices/catalog.ts';
import { LicetError } from './errors.ts';
import type { Principal } from './model/principal.ts';
import type { AuditLog } from './ports/audit-log.ts';
import type { Clock } from './ports/clock.ts';
import type { Issuance } from './ports/issuance.ts';
import type { Outbox } from './ports/outbox.ts';
import type { Random } from './ports/random.ts';
import type { Revocations, StatusChange } from './ports/revocations.ts';
import type { SecondPerson } from './ports/second-person.ts';
import type { Stores } from './ports/stores.ts';
import type { Transaction, Transactions } from './ports/transactions.ts';

/** What use cases work with. All of it is handed in. */
export type Dependencies = {
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly random: Random;
  readonly auditLog: AuditLog;
  readonly outbox: Outbox;
  readonly stores: Stores;
  readonly issuance: Issuance;
  readonly revocations: Revocations;
  readonly secondPerson: SecondPerson;
};

/**
 * One thing that an organization can do: `createSite(deps)(actor, input)`. Its `input` is the schema that checks the
 * input here, and from which the HTTP layer makes its documents.
 */
export type UseCase<Schema extends z.ZodType, Result> = {
  readonly input: Schema;
  (deps: Dependencies): (actor: Principal, input: z.input<Schema>) => Promise<Result>;
};

export function useCase<Schema extends z.ZodType, Result>(
  input: Schema,
  run: (deps: Dependencies, actor: Principal, input: z.output<Schema>) => Promise<Result>,
): UseCase<Schema, Result> {
  const prepared = (deps: Dependencies) => async (actor: Principal, raw: z.input<Schema>) =>
    run(deps, actor, parsed(input, raw));
  return Object.assign(prepared, { input });
}

export function parsed<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.output<Schema> {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const pointer = [...(issue?.path ?? []), ...unknown]
    .map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  const detail = unknown.length > 0 ? 'This name is not known here' : (issue?.message ?? 'The input breaks a rule');
  throw new LicetError('invalid', 'INPUT_INVALID', `${detail} (at "${pointer}").`, { pointer });
}

/** Something that happened: an entry of the audit log and, under the same name, an event for whoever listens. */
export type Fact = {
  readonly action: EventType;
  /** `kind:id`; events about one subject are delivered in order. */
  readonly subject: string;
  /** Identifiers, numbers and codes only: an audit log is never erased. */
  readonly details?: Readonly<Record<string, unknown>>;
};

/** A transaction in which a use case has its whole effect. */
export type Work = {
  readonly tx: Transaction;
  readonly at: Date;
  /** To be written with everything else, at the end. */
  readonly note: (fact: Fact) => void;
  /**
   * What CRL and OCSP shall say of certificates. It goes into the signer's journal when nothing can refuse the work any
   * more, and is true with the rest: neither a crash nor a restored backup undoes what was answered.
   */
  readonly change: (change: StatusChange) => void;
};

/** Rule, rows, status, event and audit entry in one transaction: all of it is true or nothing. */
export async function inTransaction<T>(
  { transactions, clock, outbox, auditLog, revocations }: Dependencies,
  { organization, id: actor }: Pick<Principal, 'organization' | 'id'>,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  let tell = (): void => undefined;
  const result = await transactions.run({ organization }, async (tx) => {
    const at = clock.now();
    const facts: Fact[] = [];
    const changes: StatusChange[] = [];
    const done = await work({
      tx,
      at,
      note: (fact) => facts.push(fact),
      change: (change) => changes.push(change),
    });
    if (facts.length === 0 && changes.length === 0) return done;
    const events = facts.map(({ action, subject, details = {} }) => ({
      organization,
      stream: subject,
      type: action,
      payload: { ...details, subject, actor },
      at,
    }));
    const entries = facts.map(({ action, subject, details = {} }) => ({
      organization,
      at,
      actor,
      action,
      subject,
      details,
    }));
    const published = outbox.publish(tx, events);
    if (changes.length > 0) {
      // A journal takes nothing back: what may be refused comes before it.
      await published;
      tell = await revocations.within(tx, { organization, principal: actor, at }, changes);
    }
    // The audit log last: it locks the head of the organization's chain until the end.
    await Promise.all([published, auditLog.append(tx, entries)]);
    return done;
  });
  tell();
  return result;
}

/** Only looks. */
export function reading<T>(
  { transactions }: Dependencies,
  { organization }: Pick<Principal, 'organization'>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return transactions.run({ organization }, work, { readOnly: true });
}
