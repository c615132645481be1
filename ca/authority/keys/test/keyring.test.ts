import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyDescription } from '../../ports/signer.ts';
import { hasCode } from '../../signer/test/errors.ts';
import { clock, FAST, passphrase, withFolder } from '../../signer/test/hierarchy.ts';
import { openFileVault } from '../../signer/open.ts';
import { KeyFolder } from '../folder.ts';
import { Keyring, type Unlock } from '../keyring.ts';
import { rewrapKeys } from '../rewrap.ts';
import { seal, unseal } from '../sealed.ts';

const OLD = () => passphrase('old');
const NEW = () => passphrase('new');
const ROLE = { purpose: 'ocsp', algorithm: 'P-256', organization: 'Acme' } as const;

describe('A folder of keys', function () {
  this.timeout(10_000);
  const folder = withFolder();

  async function open(unlock: Unlock, path = folder()): Promise<KeyFolder> {
    return KeyFolder.open(path, await openFileVault(path, unlock, FAST), clock);
  }

  async function fill(count: number): Promise<readonly KeyDescription[]> {
    const keys = await open(OLD());
    for (let i = 0; i < count; i += 1) await keys.create(ROLE, 1);
    const all = await keys.list();
    await keys.close();
    return all;
  }

  async function opensEveryKey(unlock: Unlock, path = folder()): Promise<void> {
    const keys = await open(unlock, path);
    const all = await keys.list();
    assert.ok(all.length > 0);
    for (const { id } of all) await keys.open(id);
    await keys.close();
  }

  it('is opened by its passphrase and by no other', async () => {
    await fill(1);
    await opensEveryKey(OLD());
    await assert.rejects(open(NEW()), hasCode('KEY_LOCKED'));
    await assert.rejects(open({ wrappingKey: new Uint8Array(32) }), hasCode('KEY_LOCKED', /passphrase/));
  });

  it('is opened by a wrapping key where it was made with one', async () => {
    const wrappingKey = new Uint8Array(randomBytes(32));
    await (await open({ wrappingKey })).close();
    await (await open({ wrappingKey })).close();
    await assert.rejects(open({ wrappingKey: new Uint8Array(32) }), hasCode('KEY_LOCKED'));
    await assert.rejects(open(OLD()), hasCode('KEY_LOCKED', /wrapping key/));
  });

  it('has by default a passphrase that costs as much to guess as it should', async () => {
    (await Keyring.open(folder(), OLD())).close();
    const { kdf } = JSON.parse(readFileSync(join(folder(), 'keyring.json'), 'utf8')) as { kdf: { cost: number } };
    assert.equal(kdf.cost, 2 ** 17);
  });

  it('notices a keyring that was changed', async () => {
    await fill(1);
    const path = join(folder(), 'keyring.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"cost": 1024', '"cost": 2048'));
    await assert.rejects(open(OLD()), hasCode('KEY_LOCKED'));
    for (const broken of ['', 'x', '{}', text.replace('licet-keyring/1', 'licet-keyring/2')]) {
      writeFileSync(path, broken);
      await assert.rejects(open(OLD()), hasCode('KEY_CORRUPT'));
    }
  });

  it('whose keys lie elsewhere says so, and gets no keyring', async () => {
    const [key] = await fill(1);
    rmSync(join(folder(), 'keyring.json'));
    const path = join(folder(), `${key!.id}.key`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"vault": "file"', '"vault": "pkcs11"'));
    await assert.rejects(open(OLD()), hasCode('KEY_CORRUPT', /lives in "pkcs11", this signer is set up for "file"/));
    assert.equal(existsSync(join(folder(), 'keyring.json')), false);
  });

  it('whose keyring is lost says so, and makes no other in its place', async () => {
    await fill(1);
    rmSync(join(folder(), 'keyring.json'));
    await assert.rejects(open(NEW()), hasCode('KEY_CORRUPT', /keyring\.json is missing/));
    assert.equal(existsSync(join(folder(), 'keyring.json')), false);
  });

  it('does not open a key file of which any byte of the ciphertext was changed', async () => {
    const [key] = await fill(1);
    const path = join(folder(), `${key!.id}.key`);
    const file = JSON.parse(readFileSync(path, 'utf8')) as { secret: { sealed: string } };
    const sealed = Buffer.from(file.secret.sealed, 'base64');
    const keys = await open(OLD());
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      const secret = { ...file.secret, sealed: changed.toString('base64') };
      writeFileSync(path, JSON.stringify({ ...file, secret }));
      const again = await open(OLD());
      await assert.rejects(again.open(key!.id), hasCode('KEY_CORRUPT'), `byte ${at}`);
      await again.close();
    }
    await keys.close();
  });

  it('is moved to a new passphrase and a new key beneath it', async () => {
    await fill(3);
    const before = readFileSync(join(folder(), 'keyring.json'), 'utf8');
    assert.equal(await rewrapKeys({ ...FAST, folder: folder(), unlock: OLD(), newUnlock: NEW(), clock }), 3);
    await opensEveryKey(NEW());
    await assert.rejects(open(OLD()), hasCode('KEY_LOCKED'));
    // Who kept the old keyring and learns the old passphrase opens nothing of today.
    writeFileSync(join(folder(), 'keyring.json'), before);
    const keys = await open(OLD());
    for (const { id } of await keys.list()) await assert.rejects(keys.open(id), hasCode('KEY_CORRUPT'));
    await keys.close();
  });

  it('is whole at every moment of a rewrap, and an interrupted one is finished by the next', async () => {
    await fill(4);
    const copies: string[] = [];
    const interrupt = (done: number) => {
      const copy = `${folder()}-copy-${done}`;
      cpSync(folder(), copy, { recursive: true });
      copies.push(copy);
    };
    await rewrapKeys({ ...FAST, folder: folder(), unlock: OLD(), newUnlock: NEW(), clock, progress: interrupt });
    assert.equal(copies.length, 4);
    for (const [i, copy] of copies.entries()) {
      await opensEveryKey(OLD(), copy);
      assert.equal(await rewrapKeys({ ...FAST, folder: copy, unlock: OLD(), newUnlock: NEW(), clock }), 3 - i);
      await opensEveryKey(NEW(), copy);
      const { keys } = JSON.parse(readFileSync(join(copy, 'keyring.json'), 'utf8')) as { keys: unknown[] };
      assert.equal(keys.length, 1);
      rmSync(copy, { recursive: true });
    }
  });

  it('leaves no half-written file behind', async () => {
    await fill(2);
    await rewrapKeys({ ...FAST, folder: folder(), unlock: OLD(), clock });
    assert.deepEqual(
      readdirSync(folder()).filter((name) => !/^([0-9a-f]{32}\.key|keyring\.json)$/.test(name)),
      [],
    );
  });
});

describe('Sealing', () => {
  const key = new Uint8Array(32).fill(1);
  const about = Buffer.from('about');

  it('never uses an initialization vector twice', () => {
    const seen = new Set(Array.from({ length: 2000 }, () => seal(key, about, about).subarray(0, 12).toString('hex')));
    assert.equal(seen.size, 2000);
  });

  it('opens with the same key and the same additional data only', () => {
    const sealed = seal(key, Buffer.from('content'), about);
    assert.equal(unseal(key, sealed, about)?.toString(), 'content');
    assert.equal(unseal(new Uint8Array(32), sealed, about), undefined);
    assert.equal(unseal(key, sealed, Buffer.from('abouT')), undefined);
    for (let size = 0; size < sealed.length; size += 1)
      assert.equal(unseal(key, sealed.subarray(0, size), about), undefined);
  });
});
