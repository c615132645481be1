import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { machineFingerprints } from '@licet/verify/node';

describe('The fingerprints of a machine', () => {
  const folders: string[] = [];
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  const machine = (files: Readonly<Record<string, string>>): Promise<string[]> => {
    const root = mkdtempSync(join(tmpdir(), 'licet-machine-'));
    folders.push(root);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    return machineFingerprints(root);
  };
  const card = (name: string, address: string) => ({
    [`sys/class/net/${name}/address`]: `${address}\n`,
    [`sys/class/net/${name}/device/vendor`]: '0x1\n',
  });

  it('are its identity, its cards and its disks, in a form that says nothing else of it', async () => {
    const found = await machine({
      'etc/machine-id': '4c4c45440042\n',
      ...card('eth0', '52:54:00:aa:bb:cc'),
      'sys/block/sda/device/wwid': 'naa.5000c500\n',
    });
    assert.deepEqual(
      found.map((one) => one.replace(/:.*/, '')),
      ['machine', 'network', 'disk'],
    );
    assert.ok(!/4c4c|52:54|5000c500/.test(found.join()), found.join());
    assert.equal(new Set(found).size, 3);
  });

  it('are the same at each look, and others on another machine', async () => {
    const [one, again, other] = await Promise.all(
      ['a', 'a', 'b'].map((id) => machine({ 'etc/machine-id': id, ...card('eth0', `52:54:00:00:00:0${id}`) })),
    );
    assert.deepEqual(one, again);
    assert.equal(
      one!.some((value) => other!.includes(value)),
      false,
    );
  });

  it('leave out bridges and cards without an address, and are none where nothing can be read', async () => {
    assert.deepEqual(await machine({ 'sys/class/net/br0/address': '52:54:00:00:00:01\n' }), []);
    assert.deepEqual(await machine(card('lo', '00:00:00:00:00:00')), []);
    assert.deepEqual(await machineFingerprints('/nowhere'), []);
  });
});
