import { LicetError } from '../errors.ts';
import { SLUG } from '../model/entity.ts';
import { networkOf } from './address.ts';
import type { Person } from './model.ts';
import type { Passwords } from './passwords.ts';
import type { Rate } from './rate.ts';
import { changed, organizationOf, record } from './record.ts';
import { needsCode, type SecondFactorDeps, spendCode } from './second-factor.ts';
import { openSession, type SessionDeps, type SessionTokens } from './sessions.ts';
import { forgetTries, takeTry, type Try, tryKey } from './tries.ts';

export type SignInDeps = SessionDeps & SecondFactorDeps & { readonly passwords: Passwords };

export type Credentials = {
  readonly organization: string;
  readonly email: string;
  readonly password: string;
  /** Of the second factor, or a recovery code. */
  readonly code?: string | undefined;
  /** From where. */
  readonly address: string;
};

/**
 * Few tries for one account from one place, more for the account from everywhere, more still for a place (many people may
 * sit behind it). A place where the account was opened before is not counted with everywhere else: strangers with
 * addresses enough could keep anybody out for ever.
 */
const RATES = {
  accountAndAddress: { burst: 5, everySeconds: 30 },
  account: { burst: 20, everySeconds: 30 },
  address: { burst: 50, everySeconds: 5 },
} as const satisfies Record<string, Rate>;

/**
 * Answers the same, after the same work, whether the account is unknown, has no password or the password is wrong. The try
 * is counted before it is made, so tries at the same moment gain nothing; without the counter nobody signs in.
 */
export async function signIn(deps: SignInDeps, credentials: Credentials): Promise<SessionTokens> {
  const email = normalEmail(credentials.email);
  const { organization, password, code } = credentials;
  const tries = triesOf(organization, email, credentials.address);
  const counted = await takeTry(deps, Object.values(tries));
  const { isKnown, person } = await find(deps, organization, email);
  const isMatch = await deps.passwords.matches(password, person?.status === 'active' ? person.password : undefined);
  if (!isMatch || person === undefined || !isKnown) return refuse(deps, isKnown, organization, person);
  if (needsCode(person) && code === undefined) throw codeRequired();
  const tokens = await open(deps, person, code);
  if (tokens === undefined) return refuse(deps, true, organization, person);
  // The address stays counted: who knows one password could otherwise try others without end.
  const own = counted.filter((key) => key !== tries.address.key);
  await forgetTries(deps, own, tries.account.unless);
  return tokens;
}

export const normalEmail = (email: string): string => email.normalize('NFC').trim().toLowerCase();

type Found = { readonly isKnown: boolean; readonly person: Person | undefined };

async function find(deps: SignInDeps, organization: string, email: string): Promise<Found> {
  // What can be neither is not worth a statement, which PostgreSQL would refuse.
  if (!SLUG.test(organization) || /\p{Cc}/u.test(email) || !email.isWellFormed()) {
    return { isKnown: false, person: undefined };
  }
  return deps.transactions.run({ organization }, async (tx) => {
    const isKnown = (await organizationOf(tx, deps, organization))?.status === 'active';
    const { items } = await deps.stores.people.list(tx, { where: { email }, limit: 1 });
    return { isKnown, person: items[0] };
  });
}

/** The person as it is now: what was read before the password was checked may have changed. */
function open(deps: SignInDeps, seen: Person, code: string | undefined): Promise<SessionTokens | undefined> {
  return deps.transactions.run({ organization: seen.organization }, async (tx) => {
    const person = await deps.stores.people.lock(tx, seen.id);
    if (person?.status !== 'active' || person.password !== seen.password) return undefined;
    if (!needsCode(person)) return openSession(deps, tx, person, ['password']);
    const spent = spendCode(deps, person, code ?? '');
    if (spent === undefined) return undefined;
    await deps.stores.people.replace(tx, changed(deps, person, spent));
    return openSession(deps, tx, person, ['password', spent.totp ? 'totp' : 'recovery-code']);
  });
}

/** Recorded for unknown people too: the work is to be the same. An organization that does not exist keeps no log. */
async function refuse(
  deps: SignInDeps,
  isKnown: boolean,
  organization: string,
  person: Person | undefined,
): Promise<never> {
  const subject = `person:${person?.id ?? 'unknown'}`;
  const happening = { actor: 'anonymous', action: 'session.refused', subject };
  if (isKnown) await deps.transactions.run({ organization }, (tx) => record(tx, deps, organization, happening));
  const message = 'The organization, the address, the password or the code is wrong; check them and try again.';
  throw new LicetError('unauthenticated', 'SIGN_IN_REFUSED', message);
}

const codeRequired = (): LicetError =>
  new LicetError('unauthenticated', 'CODE_REQUIRED', 'This account has a second factor; send its code as well.');

/** From the narrowest to the widest. */
function triesOf(organization: string, email: string, address: string): Readonly<Record<keyof typeof RATES, Try>> {
  const network = networkOf(address);
  return {
    accountAndAddress: {
      key: tryKey('account and address', organization, email, network),
      rate: RATES.accountAndAddress,
    },
    account: {
      key: tryKey('account', organization, email),
      rate: RATES.account,
      unless: tryKey('place', organization, email, network),
    },
    address: { key: tryKey('address', network), rate: RATES.address },
  };
}
