import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireThat, requireTool } from '@licet/checks';
import type { Vault } from '../../ports/key-store.ts';
import type { KeyAlgorithm, KeyDescription } from '../../ports/signer.ts';
import { hasCode } from '../../signer/test/errors.ts';
import { clock, FAST, passphrase, withFolder } from '../../signer/test/hierarchy.ts';
import { openFileVault } from '../../signer/open.ts';
import { ALGORITHMS } from '../algorithms.ts';
import { KeyFolder } from '../folder.ts';
import { openKmsVault } from '../kms-vault.ts';
import { openPkcs11Vault } from '../pkcs11-vault.ts';
import { startKmsEndpoint, type KmsEndpoint } from './kms-endpoint.ts';
import {
  ACCESS_KEY,
  createSoftToken,
  PIN,
  pkcs11Module,
  SECRET_KEY,
  softHsmLibrary,
  TOKEN,
} from '@licet/keystores/testing';

const ROLE = { purpose: 'enterprise', algorithm: 'P-256', organization: 'Acme', enterprise: 'Globex' } as const;
const MESSAGE = new Uint8Array(Buffer.from('to be signed'));

type Backend = {
  readonly algorithms: readonly KeyAlgorithm[];
  readonly refused: readonly KeyAlgorithm[];
  /** What it takes; skips loudly when this machine lacks it. */
  prepare(context: Mocha.Context, folder: string): Promise<void> | void;
  open(folder: string): Promise<Vault>;
  finish?(): Promise<void>;
};

let endpoint: KmsEndpoint;

const BACKENDS: Readonly<Record<string, Backend>> = {
  files: {
    algorithms: ['P-256', 'P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65'],
    refused: [],
    prepare: () => {},
    open: async (folder) => openFileVault(join(folder, 'keys'), passphrase(), FAST),
  },
  'PKCS#11 (SoftHSM)': {
    algorithms: ['P-256', 'P-384', 'RSA-3072'],
    refused: ['Ed25519', 'ML-DSA-65'],
    prepare: (context, folder) => {
      requireTool(context, 'softhsm2-util');
      context.timeout(60_000);
      const missing = [
        ...(softHsmLibrary() === undefined ? ['libsofthsm2.so'] : []),
        ...(pkcs11Module() === undefined ? ['the package pkcs11js, which npm could not build'] : []),
      ];
      requireThat(context, missing);
      createSoftToken(folder);
    },
    open: async () =>
      openPkcs11Vault({ module: pkcs11Module()!, library: softHsmLibrary()!, token: TOKEN, pin: Buffer.from(PIN) }),
  },
  'AWS KMS (local endpoint)': {
    algorithms: ['P-256', 'P-384', 'RSA-3072'],
    refused: ['Ed25519', 'ML-DSA-65'],
    prepare: async (_context, folder) => {
      endpoint = await startKmsEndpoint();
      const credentials = `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n`;
      writeFileSync(join(folder, 'credentials'), credentials);
    },
    open: async (folder) =>
      openKmsVault(
        { region: 'eu-central-1', endpoint: endpoint.url, credentialsFile: join(folder, 'credentials') },
        clock,
      ),
    finish: async () => endpoint.close(),
  },
};

function isGood(key: KeyDescription, signature: Uint8Array, form: 'x509' | 'jws'): boolean {
  const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
  const { digest, isEcdsa } = ALGORITHMS[key.algorithm];
  const encoding = isEcdsa && form === 'jws' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
  return verify(digest, MESSAGE, { key: publicKey, ...encoding }, signature);
}

for (const [name, backend] of Object.entries(BACKENDS)) {
  describe(`A key store in ${name}`, function () {
    this.timeout(20_000);
    const folder = withFolder();
    let store: KeyFolder;
    let isOpen = false;
    let prepared = false;

    const reopen = async (): Promise<void> => {
      if (isOpen) await store.close();
      isOpen = false;
      store = await KeyFolder.open(join(folder(), 'keys'), await backend.open(folder()), clock);
      isOpen = true;
    };
    const keyFile = (id: string) => join(folder(), 'keys', `${id}.key`);

    beforeEach(async function () {
      prepared = false;
      await backend.prepare(this, folder());
      prepared = true;
      await reopen();
    });
    afterEach(async () => {
      if (!prepared) return;
      if (isOpen) await store.close();
      isOpen = false;
      await backend.finish?.();
    });

    it('makes keys that sign in both forms, also after a restart', async () => {
      const keys = [];
      for (const algorithm of backend.algorithms) keys.push(await store.create({ ...ROLE, algorithm }, 1));
      for (const when of ['at once', 'after a restart']) {
        for (const key of keys) {
          const handle = await store.open(key.id);
          for (const form of ['x509', 'jws'] as const) {
            assert.ok(isGood(key, await handle.sign(MESSAGE, form), form), `${key.algorithm} ${form} ${when}`);
          }
        }
        await reopen();
      }
      assert.deepEqual(
        (await store.list()).toSorted((a, b) => a.id.localeCompare(b.id)),
        keys.toSorted((a, b) => a.id.localeCompare(b.id)),
      );
    });

    it('says which algorithms it does not have', async () => {
      for (const algorithm of backend.refused) {
        await assert.rejects(store.create({ ...ROLE, algorithm }, 1), hasCode('SIGNER_REFUSED', new RegExp(algorithm)));
      }
    });

    it('signs with one key many times at once', async () => {
      const key = await store.create(ROLE, 1);
      const handle = await store.open(key.id);
      const made = await Promise.all(Array.from({ length: 16 }, async () => handle.sign(MESSAGE, 'x509')));
      assert.ok(made.every((signature) => isGood(key, signature, 'x509')));
    });

    it('keeps the certificate and the retirement of a key', async () => {
      const key = await store.create(ROLE, 1);
      const certificate = Uint8Array.of(0x30, 0x00);
      await store.bind(key.id, certificate);
      await store.retire(key.id);
      await reopen();
      const [kept] = await store.list();
      assert.deepEqual(kept, { ...key, certificate, retiredAt: clock.now() });
      await store.open(key.id);
    });

    it('does not open a key whose file says something else about it', async () => {
      const key = await store.create(ROLE, 1);
      const path = keyFile(key.id);
      const text = readFileSync(path, 'utf8');
      const edits: readonly [string, string][] = [
        ['"purpose": "enterprise"', '"purpose": "root"'],
        ['"organization": "Acme"', '"organization": "Evil"'],
        ['"enterprise": "Globex"', '"enterprise": "Initech"'],
        ['"generation": 1', '"generation": 2'],
        ['"createdAt": "2027', '"createdAt": "2028'],
        ['"enterprise": "Globex",', ''],
      ];
      for (const [from, to] of edits) {
        assert.ok(text.includes(from), from);
        writeFileSync(path, text.replace(from, to));
        await reopen();
        await assert.rejects(store.open(key.id), hasCode('KEY_CORRUPT'), `${from} → ${to}`);
      }
    });

    it('does not take one key for another when their files are exchanged', async () => {
      const [a, b] = [await store.create(ROLE, 1), await store.create(ROLE, 1)];
      const [one, two] = [keyFile(a.id), keyFile(b.id)];
      renameSync(one, `${one}.aside`);
      renameSync(two, one);
      renameSync(`${one}.aside`, two);
      await assert.rejects(reopen(), hasCode('KEY_CORRUPT', /another name/));
      const text = readFileSync(one, 'utf8').replace(`"id": "${b.id}"`, `"id": "${a.id}"`);
      rmSync(two);
      writeFileSync(one, text);
      await reopen();
      await assert.rejects(store.open(a.id), (error: unknown) => {
        assert.match(String((error as { code?: string }).code), /^KEY_(CORRUPT|UNKNOWN)$/);
        return true;
      });
    });

    it('says so when a file is no key file, and when it has no such key', async () => {
      await assert.rejects(store.open('nobody'), hasCode('KEY_UNKNOWN'));
      const key = await store.create(ROLE, 1);
      for (const text of ['', '{}', '[]', readFileSync(keyFile(key.id), 'utf8').replace('{', '{"more": 1,')]) {
        writeFileSync(keyFile(key.id), text);
        await assert.rejects(reopen(), hasCode('KEY_CORRUPT', /no key file/));
      }
    });

    it('lets only its owner read', async () => {
      await store.create(ROLE, 1);
      assert.equal(statSync(join(folder(), 'keys')).mode & 0o777, 0o700);
      for (const file of readdirSync(join(folder(), 'keys'))) {
        assert.equal(statSync(join(folder(), 'keys', file)).mode & 0o777, 0o600, file);
      }
    });
  });
}

describe('A key store that others hold', function () {
  this.timeout(60_000);
  const folder = withFolder();

  it('in a token keeps its keys there: they cannot be extracted, and a wrong PIN opens nothing', async function () {
    const backend = BACKENDS['PKCS#11 (SoftHSM)']!;
    await backend.prepare(this, folder());
    const vault = await backend.open(folder());
    const store = await KeyFolder.open(join(folder(), 'keys'), vault, clock);
    const key = await store.create(ROLE, 1);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(join(folder(), 'keys', `${key.id}.key`), 'utf8')).secret), [
      'label',
    ]);
    await store.close();
    const wrong = { module: pkcs11Module()!, library: softHsmLibrary()!, token: TOKEN };
    assert.throws(() => openPkcs11Vault({ ...wrong, pin: Buffer.from('9999') }), hasCode('KEY_LOCKED'));
    assert.throws(
      () => openPkcs11Vault({ ...wrong, token: 'x', pin: Buffer.from(PIN) }),
      hasCode('SIGNER_UNAVAILABLE'),
    );
    assert.throws(
      () => openPkcs11Vault({ ...wrong, module: '/nowhere', pin: Buffer.from(PIN) }),
      hasCode('SIGNER_UNAVAILABLE', /install pkcs11js/),
    );
  });

  it('in a token signs on after a call that failed, and when the token is back', async function () {
    const backend = BACKENDS['PKCS#11 (SoftHSM)']!;
    await backend.prepare(this, folder());
    const first = await KeyFolder.open(join(folder(), 'keys'), await backend.open(folder()), clock);
    const key = await first.create(ROLE, 1);
    await first.close();
    const nobody = '0'.repeat(32);
    const text = readFileSync(join(folder(), 'keys', `${key.id}.key`), 'utf8').replaceAll(key.id, nobody);
    writeFileSync(join(folder(), 'keys', `${nobody}.key`), text);
    const store = await KeyFolder.open(join(folder(), 'keys'), await backend.open(folder()), clock);
    const handle = await store.open(key.id);
    const signs = async () => assert.ok(isGood(key, await handle.sign(MESSAGE, 'x509'), 'x509'));
    const isAway = () => assert.rejects(async () => handle.sign(MESSAGE, 'x509'), { name: 'AuthorityError' });

    await assert.rejects(store.open(nobody), hasCode('KEY_UNKNOWN'));
    await signs();

    const tokens = join(folder(), 'tokens');
    renameSync(tokens, `${tokens}-away`);
    for (let i = 0; i < 6; i += 1) await isAway();
    await Promise.all(Array.from({ length: 16 }, isAway));
    renameSync(`${tokens}-away`, tokens);
    await pause(1100);
    await Promise.all(Array.from({ length: 16 }, signs));
    await store.close();
  });

  it('in the cloud is unavailable when the cloud is, and locked without credentials', async function () {
    const backend = BACKENDS['AWS KMS (local endpoint)']!;
    await backend.prepare(this, folder());
    const store = await KeyFolder.open(join(folder(), 'keys'), await backend.open(folder()), clock);
    const key = await store.create(ROLE, 1);
    const handle = await store.open(key.id);
    endpoint.failWith = 500;
    await assert.rejects(async () => handle.sign(MESSAGE, 'x509'), hasCode('SIGNER_UNAVAILABLE', /500/));
    endpoint.failWith = undefined;
    assert.ok(isGood(key, await handle.sign(MESSAGE, 'x509'), 'x509'));
    writeFileSync(
      join(folder(), 'credentials'),
      `[default]\naws_access_key_id=${ACCESS_KEY}\naws_secret_access_key=no\n`,
    );
    await assert.rejects(
      async () => handle.sign(MESSAGE, 'x509'),
      hasCode('SIGNER_UNAVAILABLE', /IncompleteSignature/),
    );
    rmSync(join(folder(), 'credentials'));
    await assert.rejects(async () => handle.sign(MESSAGE, 'x509'), hasCode('KEY_LOCKED'));
    await endpoint.close();
    await store.close();
  });
});
