import { AuthorityError } from '../../errors.ts';

export function invalid(details: readonly string[]): AuthorityError {
  return new AuthorityError('CEREMONY_INVALID', `The file of the ceremony is not right: ${details.join('; ')}.`, {
    details,
  });
}
