import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool } from '@licet/checks';
import { reloadUnits, systemdUnit } from '../unit.ts';

const line = (unit: string, name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
const AGENT = join(import.meta.dirname, '../licet-agent.js');
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

  it('has a place for its socket that no other site of the machine has', () => {
    const placeOf = (folder: string) => line(systemdUnit('node', 'agent', folder, SERVERS), 'RuntimeDirectory');
    assert.equal(placeOf('/var/lib/licet'), 'licet', 'where products look');
    assert.equal(placeOf('/srv/plant 7/licet'), 'licet-srv-plant-7-licet');
    assert.ok(placeOf(`/${'a'.repeat(300)}/licet`).length < 70);
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

  it('is one that systemd takes, with those that reload others', function () {
    // It comes with systemd itself, which is no tool of a test: where it runs, it is asked.
    if (!hasTool('systemd-analyze')) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'licet 100% unit-'));
    const shell = execFileSync('which', ['sh'], { encoding: 'utf8' }).trim();
    const { path, service } = reloadUnits(folder, ['nginx', String.raw`plant@a\x2db.service`]);
    const units = {
      'licet-agent.service': systemdUnit(shell, '/x', folder, SERVERS),
      'licet-agent-reload.path': path,
      'licet-agent-reload.service': service,
    };
    const files = Object.entries(units).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });

  describe('with --reload', () => {
    let base: string;
    beforeEach(() => {
      base = mkdtempSync(join(tmpdir(), 'licet-unit-'));
    });
    afterEach(() => rmSync(base, { recursive: true }));
    const install = (...args: string[]) =>
      spawnSync(process.execPath, [AGENT, 'install', '--folder', join(base, 'site'), ...args], { encoding: 'utf8' });

    it('has others beside it, which load each new license', () => {
      const { stdout } = install('--out', join(base, 'agent.service'), '--reload', 'nginx.service,app@1');
      const files = ['agent.service', 'agent-reload.path', 'agent-reload.service'].map((name) => join(base, name));
      assert.ok(stdout.startsWith(`written to ${files.join(', ')}; next: `), stdout);
      assert.match(
        stdout,
        /systemctl enable --now agent\.service agent-reload\.path; products ask with LICET_AGENT_SOCKET=\/run\/licet-\S+\/agent\.sock\n$/,
      );
      assert.equal(
        line(readFileSync(join(base, 'agent-reload.path'), 'utf8'), 'PathChanged'),
        `${base}/site/installed`,
      );
      const service = readFileSync(join(base, 'agent-reload.service'), 'utf8');
      assert.equal(line(service, 'ExecStart'), 'systemctl try-reload-or-restart nginx.service app@1');
    });

    it('is refused where a name is none of a unit, or there is no place for them', () => {
      const wrong = install('--out', join(base, 'agent.service'), '--reload', 'nginx,a b');
      assert.match(wrong.stderr, /--reload: "a b" is no name of a systemd unit\. \[USAGE\]/);
      assert.deepEqual([wrong.status, readdirSync(base)], [64, []]);
      assert.match(install('--reload', 'nginx').stderr, /say with --out where the first is\. \[USAGE\]/);
    });
  });
});
