import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { bundle, root } from '@licet/verify/testing';

const AGENT = join(import.meta.dirname, '../licet-agent.js');
const SOMEBODY = { uid: 61_234, gid: 61_235 };

const ownerOf = (path: string): { uid: number; gid: number } => {
  const { uid, gid } = lstatSync(path);
  return { uid, gid };
};

describe('Root, in the folder of an agent that runs as somebody else', () => {
  let base: string;
  let folder: string;
  beforeEach(function () {
    // Nobody else can give a folder away.
    if (process.getuid?.() !== 0) this.skip();
    base = mkdtempSync(join(tmpdir(), 'licet-owner-'));
    chmodSync(base, 0o711);
    folder = join(base, 'site');
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, SOMEBODY.uid, SOMEBODY.gid);
    mkdirSync(join(base, 'own'), { mode: 0o700 });
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  it('leaves there what that one can read, and takes and gives files as root', () => {
    const [from, to] = [join(base, 'own/root.pem'), join(base, 'own/site.req')];
    writeFileSync(from, bundle(root), { mode: 0o600 });
    execFileSync(process.execPath, [AGENT, 'request', '--folder', folder, '--root', from, '--out', to]);
    const made = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
    assert.ok(made.includes(join(folder, 'pending/site.key')), made.join());
    for (const path of made) assert.deepEqual(ownerOf(path), SOMEBODY, path);
    assert.deepEqual(ownerOf(to), { uid: 0, gid: 0 });
  });

  it('stays root in a namespace that does not know the owner, and says what it may not do', function () {
    requireTool(this, 'unshare');
    chmodSync(folder, 0o755);
    const from = join(base, 'root.pem');
    writeFileSync(from, bundle(root));
    const request = [AGENT, 'request', '--folder', folder, '--root', from, '--out', join(base, 'site.req')];
    const { stderr } = spawnSync('unshare', ['-r', process.execPath, ...request], { encoding: 'utf8' });
    assert.match(stderr, /site cannot be written: correct its rights; .+ \[FOLDER_READ_ONLY\]\n$/);
  });

  it('follows no link that lies there to where only root may write', () => {
    const from = join(base, 'own/root.pem');
    writeFileSync(from, bundle(root));
    execFileSync('ln', ['-s', join(base, 'own'), join(folder, 'generations')]);
    const args = [AGENT, 'request', '--folder', folder, '--root', from, '--out', join(base, 'own/site.req')];
    assert.throws(() => execFileSync(process.execPath, args, { stdio: 'pipe' }), /belongs to somebody else/);
    assert.deepEqual(readdirSync(join(base, 'own')), ['root.pem']);
  });
});
