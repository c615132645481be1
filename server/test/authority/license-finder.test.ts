import assert from 'node:assert/strict';
import { enterprise, makeSite } from '@licet/verify/testing';
import { decodeCertificate, toHex } from '@licet/format';
import type { Opened } from '../../authority/directory.ts';
import { createLicenseFinder } from '../../authority/license-finder.ts';
import type { LicenseName } from '../../licensing/ports/issuance.ts';

const certificate = Uint8Array.from(makeSite(enterprise).certificate);
const name: LicenseName = { organization: 'acme', serial: toHex(decodeCertificate(certificate).serial) };
const stranger: LicenseName = { organization: 'initech', serial: name.serial };

function world() {
  const asked: (readonly LicenseName[])[] = [];
  const tx = { scope: 'platform' } as const;
  const finder = createLicenseFinder({
    transactions: { run: (_scope, work) => work(tx) },
    certificates: {
      async licenses(_tx, names) {
        asked.push(names);
        return names.map(({ organization }) => (organization === 'acme' ? { issuer: 'key', certificate } : undefined));
      },
    },
    directory: { find: async (key) => ({ authority: { key } }) as Opened },
  });
  return { finder, asked, tx };
}

describe('The finder of licenses', () => {
  it('reads those that are asked for together in one look, and each once', async () => {
    const { finder, asked } = world();
    const found = await Promise.all([name, stranger].map((one) => finder.find(one)));
    assert.deepEqual(
      found.map((one) => one?.by.authority.key),
      ['key', undefined],
    );
    assert.deepEqual(asked, [[name, stranger]]);
    await finder.find(name);
    assert.equal(asked.length, 1, 'what was found is remembered');
    await finder.find(stranger);
    assert.equal(asked.length, 2, 'what was not is looked for again');
  });

  it('remembers for single questions what it has read within a transaction of others', async () => {
    const { finder, asked, tx } = world();
    const [known, unknown] = await finder.look(tx, [name, stranger]);
    assert.deepEqual((await known!())?.certificate.der, certificate);
    assert.equal(await unknown!(), undefined);
    await finder.find(name);
    assert.equal(asked.length, 1);
  });

  it('asks for nothing that can be no serial', async () => {
    const { finder, asked, tx } = world();
    for (const serial of ['', 'abc', 'zz', 'AB', '00'.repeat(21)]) {
      assert.equal(await finder.find({ organization: 'acme', serial }), undefined);
      assert.equal(await (await finder.look(tx, [{ organization: 'acme', serial }]))[0]!(), undefined);
    }
    assert.deepEqual(asked, []);
  });
});
