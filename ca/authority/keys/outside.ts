import { KeystoreError } from '@licet/keystores';
import { AuthorityError } from '../errors.ts';

/** What a place outside says, in the words of the authority. */
export async function outside<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw orAuthorityError(error);
  }
}

export function orAuthorityError(error: unknown): unknown {
  if (!(error instanceof KeystoreError)) return error;
  const code = error.code === 'locked' ? 'KEY_LOCKED' : 'SIGNER_UNAVAILABLE';
  return new AuthorityError(code, error.message, { cause: error });
}
