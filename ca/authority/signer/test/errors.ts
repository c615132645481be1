import assert from 'node:assert/strict';
import { AuthorityError, type AuthorityCode } from '../../errors.ts';

/** For `assert.rejects`: this code, and this in the message. */
export function hasCode(code: AuthorityCode, message?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AuthorityError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}
