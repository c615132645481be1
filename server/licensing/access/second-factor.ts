import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Random } from '../ports/random.ts';
import type { Transaction } from '../ports/transactions.ts';
import { notFound, personOnly } from './authorize.ts';
import type { Person } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { changed, record } from './record.ts';
import type { Sealer } from './seal.ts';
import { hashSecret, sameHash } from './secrets.ts';
import { base32, matchTotp, TOTP_SECRET_BYTES, totpUri } from './totp.ts';
import { asTry } from './tries.ts';

const RECOVERY_CODES = 10;
/** 80 bits: as little to guess as to type. */
const RECOVERY_BYTES = 10;

export type SecondFactorDeps = AccessDeps & { readonly sealer: Sealer };

/** What the person puts into an authenticator app. It counts once `confirmTotp` has seen a code. */
export async function beginTotp(
  deps: SecondFactorDeps,
  tx: Transaction,
  principal: Principal,
): Promise<{ readonly secret: string; readonly uri: string }> {
  const person = await lockSelf(deps, tx, principal);
  if (person.totp?.isConfirmed === true) {
    throw new LicetError(
      'conflict',
      'TOTP_EXISTS',
      'There is a second factor already; remove it first, with a code of it.',
    );
  }
  const secret = deps.random.bytes(TOTP_SECRET_BYTES);
  const sealed = deps.sealer.seal(Buffer.from(secret).toString('hex'), person.id);
  const totp = { secret: sealed, isConfirmed: false, lastStep: 0 };
  await deps.stores.people.replace(tx, changed(deps, person, { totp }));
  return { secret: base32(secret), uri: totpUri(secret, 'Licet', person.email ?? person.id) };
}

/** Returns recovery codes, each good once: shown now and never again. */
export const confirmTotp = (deps: SecondFactorDeps, principal: Principal, code: string): Promise<readonly string[]> =>
  byCode(deps, principal, (tx) => confirm(deps, tx, principal, code));

export const removeTotp = (deps: SecondFactorDeps, principal: Principal, code: string): Promise<void> =>
  byCode(deps, principal, (tx) => remove(deps, tx, principal, code));

const byCode = <T>(deps: AccessDeps, principal: Principal, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  asTry(deps, principal, () => deps.transactions.run({ organization: principal.organization }, work));

async function confirm(
  deps: SecondFactorDeps,
  tx: Transaction,
  principal: Principal,
  code: string,
): Promise<readonly string[]> {
  const person = await lockSelf(deps, tx, principal);
  const step = person.totp && matchTotp(secretOf(deps, person), code, deps.clock.now(), person.totp.lastStep);
  if (person.totp === undefined || person.totp.isConfirmed || step === undefined) throw wrongCode();
  const codes = Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(deps.random));
  const totp = { ...person.totp, isConfirmed: true, lastStep: step };
  await deps.stores.people.replace(tx, changed(deps, person, { totp, recoveryCodes: codes.map(hashSecret) }));
  await record(tx, deps, person.organization, { actor: principal.id, action: 'totp.confirmed', subject: principal.id });
  return codes;
}

async function remove(deps: SecondFactorDeps, tx: Transaction, principal: Principal, code: string): Promise<void> {
  const person = await lockSelf(deps, tx, principal);
  if (spendCode(deps, person, code) === undefined) throw wrongCode();
  await deps.stores.people.replace(tx, changed(deps, person, { totp: undefined, recoveryCodes: [] }));
  await record(tx, deps, person.organization, { actor: principal.id, action: 'totp.removed', subject: principal.id });
}

export const needsCode = (person: Person): boolean => person.totp?.isConfirmed === true;

/** What changes in the person when this code is used; undefined: it is not good. */
export function spendCode(deps: SecondFactorDeps, person: Person, code: string): Partial<Person> | undefined {
  if (person.totp === undefined) return undefined;
  const step = matchTotp(secretOf(deps, person), code, deps.clock.now(), person.totp.lastStep);
  if (step !== undefined) return { totp: { ...person.totp, lastStep: step } };
  const hash = hashSecret(code.toUpperCase().replaceAll(/[\s-]/g, ''));
  const left = person.recoveryCodes.filter((known) => !sameHash(known, hash));
  return left.length < person.recoveryCodes.length ? { recoveryCodes: left } : undefined;
}

const secretOf = ({ sealer }: SecondFactorDeps, { totp, id }: Person): Buffer =>
  Buffer.from(sealer.open(totp?.secret ?? '', id), 'hex');

const newRecoveryCode = (random: Random): string => base32(random.bytes(RECOVERY_BYTES));

/** Only people have a second factor, and only their own. */
export async function lockSelf(deps: AccessDeps, tx: Transaction, principal: Principal): Promise<Person> {
  if (principal.kind !== 'person') throw personOnly();
  const person = await deps.stores.people.lock(tx, principal.id.slice('person:'.length));
  if (person?.status !== 'active') throw notFound();
  return person;
}

const wrongCode = (): LicetError =>
  new LicetError('invalid', 'CODE_WRONG', 'This code is wrong, over or was used before; wait for the next one.', {
    pointer: '/code',
  });
