import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePem, formatName } from '@licet/format';
import { requireTool } from '@licet/checks';
import { CLAIMS, FAST, NOW, clock, passphrase, withFolder } from '../../signer/test/hierarchy.ts';
import type { KeyAlgorithm, Signer } from '../../ports/signer.ts';
import { openSigner } from '../../signer/open.ts';
import { createHierarchy, type Hierarchy, type HierarchyOptions } from '../hierarchy.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

describe('a hierarchy in one go', () => {
  const folder = withFolder();
  let signer: Signer;

  beforeEach(async () => {
    signer = await openSigner({ folder: folder(), clock, keys: passphrase(), ...FAST });
  });
  afterEach(() => signer.close());

  const make = (change: Partial<HierarchyOptions> = {}): Promise<Hierarchy> =>
    createHierarchy({
      signers: { root: signer, online: signer },
      clock,
      random,
      algorithm: 'P-256',
      organization: 'acme',
      names: { root: 'Acme Root', organization: 'Acme License CA', service: 'Acme Service CA' },
      base: 'http://pki.acme.example',
      shards: 4,
      claims: CLAIMS,
      ...change,
    });

  for (const algorithm of ['P-256', 'ML-DSA-65'] satisfies KeyAlgorithm[]) {
    it(`has a root, an organization CA with claims and a service CA without, of ${algorithm}`, async () => {
      const { root, organization, service } = await make({ algorithm });
      assert.equal(formatName(organization.certificate!.issuer), formatName(root.name!));
      assert.deepEqual(organization.claims, CLAIMS);
      assert.equal(service.claims, undefined);
      assert.equal(organization.addresses?.crls.length, 4);
      assert.equal(root.certificate!.notBefore.getTime(), NOW.getTime() - 300_000);
      const keys = await signer.keys();
      assert.deepEqual(keys.map(({ purpose, algorithm: own }) => `${purpose} ${own}`).toSorted(), [
        `organization ${algorithm}`,
        `root ${algorithm}`,
        `service ${algorithm}`,
      ]);
      assert.ok(keys.every(({ certificate }) => certificate !== undefined));
    });
  }

  it('is accepted by openssl', async function () {
    requireTool(this, 'openssl');
    const { root, organization, service } = await make();
    const file = (name: string, der: Uint8Array) => {
      writeFileSync(join(folder(), name), encodePem('CERTIFICATE', der));
      return join(folder(), name);
    };
    const trusted = file('root.pem', root.certificate!.der);
    for (const { certificate } of [organization, service]) {
      const args = ['verify', '-x509_strict', '-attime', String(NOW.getTime() / 1000), '-CAfile', trusted];
      assert.match(execFileSync('openssl', [...args, file('ca.pem', certificate!.der)], { encoding: 'utf8' }), /: OK/);
    }
  });

  it('keeps what is there when it is made again', async () => {
    const first = await make();
    const again = await make();
    assert.deepEqual(
      Object.values(again).map(({ certificate }) => certificate!.der),
      Object.values(first).map(({ certificate }) => certificate!.der),
    );
    assert.equal((await signer.keys()).length, 3);
  });

  it('keeps the root key apart where there are two signers', async () => {
    const online = await openSigner({ folder: join(folder(), 'online'), clock, keys: passphrase(), ...FAST });
    try {
      await make({ signers: { root: signer, online } });
      assert.deepEqual(
        (await signer.keys()).map(({ purpose }) => purpose),
        ['root'],
      );
      assert.deepEqual((await online.keys()).map(({ purpose }) => purpose).toSorted(), ['organization', 'service']);
    } finally {
      await online.close();
    }
  });
});
