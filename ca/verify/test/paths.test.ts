import assert from 'node:assert/strict';
import { verifyPath, verifyPathSync } from '../index.ts';
import { pathOptions } from './cases/case.ts';
import { CRL_CASES } from './cases/crls.ts';
import { LEGACY_MAIL_CASE, MALFORMED_NAME_CASES, NAME_CASES, PATH_CASES } from './cases/paths.ts';
import { PROFILE_CASES } from './cases/profile.ts';

describe('paths, RFC 5280 §4 and §6.1', () => {
  for (const { name, codes, chain } of [
    ...PROFILE_CASES,
    ...NAME_CASES,
    ...MALFORMED_NAME_CASES,
    LEGACY_MAIL_CASE,
    ...PATH_CASES,
    ...CRL_CASES,
  ]) {
    it(`${codes.length === 0 ? 'accepts' : `says ${codes.join(', ')} of`} ${name}`, async () => {
      const result = verifyPathSync(chain.leaf.der, pathOptions(chain));
      assert.deepEqual(result.codes.toSorted(), codes.toSorted(), JSON.stringify(result.findings));
      assert.equal(result.ok, codes.length === 0);
      assert.deepEqual(await verifyPath(chain.leaf.der, pathOptions(chain)), result);
    });
  }
});
