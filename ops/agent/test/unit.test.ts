import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool } from '@licet/checks';
import { systemdUnit } from '../unit.ts';

const line = (unit: string, name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
const SERVERS = { servers: [] };

describe('The systemd unit', () => {
  it('may write to the folder and to what the settings name', () => {
    const settings = { ...SERVERS, metrics: '/var/lib/node_exporter/licet.prom', socket: '/srv/licet/agent.sock' };
    const unit = systemdUnit('/usr/bin/node', '/opt/agent.js', '/var/lib/licet', settings);
    assert.equal(line(unit, 'ReadWritePaths'), '-/var/lib/licet -/var/lib/node_exporter -/srv/licet');
    const usual = systemdUnit('/usr/bin/node', '/opt/agent.js', '/var/lib/licet', {
      ...SERVERS,
      socket: '/run/licet/agent.sock',
    });
    assert.equal(line(usual, 'ReadWritePaths'), '-/var/lib/licet', 'systemd makes /run/licet');
  });

  it('keeps devices away, but for a site whose key is in a token', () => {
    const pkcs11 = { library: '/usr/lib/token.so', token: 'site', pinFile: '/etc/licet/pin' };
    assert.equal(line(systemdUnit('node', 'agent', '/f', SERVERS), 'PrivateDevices'), 'true');
    assert.equal(line(systemdUnit('node', 'agent', '/f', { ...SERVERS, pkcs11 }), 'PrivateDevices'), '');
  });

  it('takes a folder for one word, whatever its name', () => {
    const unit = systemdUnit(process.execPath, '/opt/agent.js', '/srv/a "b" $HOME 100%n', SERVERS);
    assert.match(line(unit, 'ExecStart'), /"\/srv\/a \\"b\\" \$\$HOME 100%%n"$/);
    assert.equal(line(unit, 'ReadWritePaths'), String.raw`"-/srv/a \"b\" $HOME 100%%n"`);
  });

  it('is one that systemd takes', function () {
    // It comes with systemd itself, which is no tool of a test: where it runs, it is asked.
    if (!hasTool('systemd-analyze')) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'licet unit-'));
    const file = join(folder, 'licet-agent.service');
    writeFileSync(file, systemdUnit(execFileSync('which', ['sh'], { encoding: 'utf8' }).trim(), '/x', folder, SERVERS));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });
});
