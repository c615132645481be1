import { LicetError } from '../../licensing/errors.ts';
import { createAuthenticator } from '../../licensing/access/authenticate.ts';
import { createPasswords } from '../../licensing/access/passwords.ts';
import type { AccessDeps } from '../../licensing/access/ports.ts';
import { hashSecret, newSecret, sameHash } from '../../licensing/access/secrets.ts';
import { systemRandom as random } from '../../random.ts';

/** Two things that nobody outside must be able to tell apart by how long they take. */
export type TimingPair = {
  readonly what: string;
  readonly one: () => unknown;
  readonly other: () => unknown;
};

/** What is compared with a secret, and what is done for an account that there is not. */
export async function timingPairs(): Promise<readonly TimingPair[]> {
  const stored = hashSecret(newSecret('api', random));
  const differing = (at: number): string => {
    const bytes = Buffer.from(stored, 'hex');
    bytes[at]! ^= 1;
    return bytes.toString('hex');
  };
  const [first, last] = [differing(0), differing(31)];
  const passwords = createPasswords(random, { memoryKib: 8, passes: 1 });
  const encoded = await passwords.hash('seven llamas sing at dawn');
  return [
    {
      what: 'a digest that differs in its first byte, and one that differs in its last',
      one: () => sameHash(stored, first),
      other: () => sameHash(stored, last),
    },
    { what: 'a token that nobody knows, and one that is over', ...tokens() },
    {
      what: 'a wrong password, and an account that there is not',
      one: () => passwords.matches('wrong', encoded),
      other: () => passwords.matches('wrong', undefined),
    },
  ];
}

/** Before the real authenticator, and without a database: what it does itself is what is timed. */
function tokens(): Pick<TimingPair, 'one' | 'other'> {
  const [unknown, over] = [newSecret('api', random), newSecret('api', random)];
  const known = { token: { hash: hashSecret(over), expiresAt: new Date(0), revokedAt: undefined }, maker: undefined };
  const findToken = (_tx: unknown, hash: string) => Promise.resolve(hash === known.token.hash ? known : undefined);
  const deps = {
    transactions: { run: (_scope: unknown, work: (tx: unknown) => unknown) => work({}) },
    stores: { credentials: { findToken } },
    clock: { now: () => new Date(1) },
  } as unknown as AccessDeps;
  const refused = (secret: string) => () =>
    createAuthenticator(deps)
      .bearer(secret)
      .catch((error: unknown) => {
        // Of any other failure the time would say nothing.
        if (!(error instanceof LicetError && error.code === 'NOT_AUTHENTICATED')) throw error;
      });
  return { one: refused(unknown), other: refused(over) };
}
