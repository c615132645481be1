import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { requireThat } from '@licet/checks';
import { verifyJournal } from '../../journal/reader.ts';
import type { JournalEntry, Signer } from '../../ports/signer.ts';
import { SignerClient } from '../client.ts';
import { startSigner, type SupervisedSigner, type SupervisorEvent } from '../supervisor.ts';
import { serveSigner } from '../server.ts';
import { FrameSplitter, frame, OPERATIONS } from '../wire.ts';
import { hasCode } from './errors.ts';
import { openFileVault } from '../open.ts';
import { createHierarchy, FAST, licenseTbs, PASSPHRASE, passphrase, withFolder, type Hierarchy } from './hierarchy.ts';

/** A process goes by the clock of the world. */
function licenseOfToday(site?: string): Uint8Array {
  const seconds = Math.floor(Date.now() / 1000);
  return licenseTbs(site, { notBefore: new Date(seconds * 1000), notAfter: new Date((seconds + 86_400) * 1000) });
}

async function everyEntry(signer: Signer): Promise<JournalEntry[]> {
  const all: JournalEntry[] = [];
  for (;;) {
    const page = await signer.journalAfter(BigInt(all.length), 1000);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** Linux, and either root or no ptrace restriction: the scan runs in a child and reads its parent. */
function canReadMemory(): boolean {
  try {
    closeSync(openSync('/proc/self/mem', 'r'));
    return process.getuid?.() === 0 || readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1').trim() === '0';
  } catch {
    return false;
  }
}

describe('The signer process', function () {
  this.timeout(30_000);
  const folder = withFolder();
  let running: SupervisedSigner;
  let keys: Hierarchy;
  let events: SupervisorEvent[];

  const start = async (): Promise<SupervisedSigner> =>
    startSigner({
      folder: join(folder(), 'signer'),
      vault: { kind: 'file', passphraseFile: join(folder(), 'passphrase') },
      report: (event) => events.push(event),
    });

  beforeEach(async () => {
    events = [];
    writeFileSync(join(folder(), 'passphrase'), `${PASSPHRASE}\n`);
    // The folder remembers how hard its passphrase is to guess; the real cost would be paid at every start here.
    await (await openFileVault(join(folder(), 'signer/keys'), passphrase(), FAST)).close();
    running = await start();
    keys = await createHierarchy(running.signer);
  });
  afterEach(async () => running.close());

  it('signs over its socket, which is open to its own user only', async () => {
    const bytes = licenseOfToday();
    const [signature] = await running.signer.sign([{ key: keys.enterprise.id, kind: 'certificate', bytes }]);
    assert.ok(signature!.length >= 64);
    const path = join(folder(), 'signer/signer.sock');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder(), 'signer')).mode & 0o777, 0o700);
  });

  it('leaves each refusal its code and its words', async () => {
    const request = { key: keys.service.id, kind: 'certificate', bytes: licenseOfToday() } as const;
    await assert.rejects(running.signer.sign([request]), hasCode('SIGNER_REFUSED', /the issuer in the certificate/));
    await assert.rejects(running.signer.retireKey('nobody'), hasCode('KEY_UNKNOWN', /nobody/));
  });

  it('lets an enterprise key be described, rotated, retired and read in the journal', async () => {
    const next = await running.signer.rotateKey(keys.enterprise.id);
    const both = [running.signer.rotateKey(keys.enterprise.id), running.signer.rotateKey(keys.enterprise.id)];
    const generations = (await Promise.all(both)).map(({ generation }) => generation - next.generation);
    assert.deepEqual(generations, [1, 2], 'also at once');
    assert.deepEqual(
      [next.purpose, next.organization, next.enterprise, next.generation],
      ['enterprise', 'Acme', 'Globex', 2],
    );
    await running.signer.retireKey(keys.enterprise.id);
    const all = await running.signer.keys();
    assert.ok(all.find(({ id }) => id === keys.enterprise.id)?.retiredAt instanceof Date);
    const events = (await everyEntry(running.signer)).flatMap(({ record }) =>
      record.type === 'key' ? record.event : [],
    );
    assert.deepEqual(events.slice(-3), ['created', 'rotated', 'retired']);
  });

  it('keeps a key retired that is given a certificate in the same moment, and takes two certificates at once', async () => {
    const { id, certificate } = keys.enterprise;
    const bind = () => running.signer.bindCertificate(id, certificate!, keys.organization.certificate);
    await Promise.all([bind(), bind()]);
    await Promise.all([bind(), running.signer.retireKey(id), bind()]);
    const request = { key: id, kind: 'certificate', bytes: licenseOfToday() } as const;
    await assert.rejects(running.signer.sign([request]), hasCode('SIGNER_REFUSED', /it was retired/));
    await running.close();
    running = await start();
    await assert.rejects(running.signer.sign([request]), hasCode('SIGNER_REFUSED', /it was retired/));
  });

  it('begins no journal in place of one that went away, and whoever has asked is told when it is back', async () => {
    const journal = join(folder(), 'signer/journal');
    renameSync(journal, join(folder(), 'away'));
    const linked = new Promise<void>((resolve) => running.signer.onLink(resolve));
    process.kill(running.pid()!, 'SIGKILL');
    const isFailed = (event: SupervisorEvent) => event.kind === 'start failed' && event.error.code === 'JOURNAL_LOST';
    while (!events.some(isFailed)) await pause(5);
    assert.equal(existsSync(journal), false);
    renameSync(join(folder(), 'away'), journal);
    await linked;
    assert.ok((await everyEntry(running.signer)).length > 0);
  });

  it('loses no signature that it answered when it is killed under load, and is back by itself', async () => {
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const load = Array.from({ length: 32 }, async (_, worker) => {
      for (let i = 0; !stop.signal.aborted; i += 1) {
        const bytes = licenseOfToday(`${worker}-${i}`);
        try {
          await running.signer.sign([{ key: keys.enterprise.id, kind: 'certificate', bytes }]);
          acknowledged.push(hash('sha256', bytes));
        } catch (error) {
          hasCode('SIGNER_UNAVAILABLE')(error);
        }
      }
    });
    for (let kill = 0; kill < 3; kill += 1) {
      const goal = acknowledged.length + 200;
      while (acknowledged.length < goal) await pause(5);
      process.kill(running.pid()!, 'SIGKILL');
    }
    const goal = acknowledged.length + 50;
    while (acknowledged.length < goal) await pause(5);
    stop.abort();
    await Promise.all(load);
    assert.equal(events.filter(({ kind }) => kind === 'ended').length, 3);
    const entries = await everyEntry(running.signer);
    const orders = entries.flatMap(({ record }) => (record.type === 'signature' ? [record] : []));
    const known = new Set(orders.map(({ digest }) => Buffer.from(digest).toString('hex')));
    assert.deepEqual(
      acknowledged.filter((digest) => !known.has(digest)),
      [],
    );
    for (const { digest, signed } of orders) {
      if (signed !== undefined) assert.equal(hash('sha256', signed), Buffer.from(digest).toString('hex'));
    }
    await running.close();
    // Outcomes that were noted after the last page may have followed.
    assert.ok(verifyJournal(join(folder(), 'signer/journal')).head.sequence >= BigInt(entries.length));
  });

  it('is reported unavailable within two seconds while it hangs, and serves again after it', async () => {
    process.kill(running.pid()!, 'SIGSTOP');
    const began = performance.now();
    try {
      const request = { key: keys.enterprise.id, kind: 'certificate', bytes: licenseOfToday() } as const;
      const { purpose, algorithm, organization } = keys.enterprise;
      const making = running.signer.createKey({ purpose, algorithm, organization, enterprise: 'other' });
      const rotating = running.signer.rotateKey(keys.enterprise.id);
      const isLate = (asked: Promise<unknown>) => assert.rejects(asked, hasCode('SIGNER_UNAVAILABLE', /in time/));
      await Promise.all([running.signer.sign([request]), making, rotating].map(isLate));
      assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
    } finally {
      process.kill(running.pid()!, 'SIGCONT');
    }
    await running.signer.ping();
  });

  it('keeps its keys out of the memory of the server', async function () {
    requireThat(this, canReadMemory() ? [] : ['the right to read the memory of a process']);
    await running.signer.sign([{ key: keys.enterprise.id, kind: 'certificate', bytes: licenseOfToday() }]);
    const scan = join(import.meta.dirname, 'scan-memory.ts');
    const folderOfKeys = join(folder(), 'signer/keys');
    const { stdout } = await promisify(execFile)(process.execPath, [
      scan,
      folderOfKeys,
      join(folder(), 'passphrase'),
      String(process.pid),
      String(running.pid()),
    ]);
    const [server, signer] = JSON.parse(stdout) as [number, number];
    assert.ok(signer > 0, 'the scan finds keys where they are');
    assert.equal(server, 0);
  });

  it('says at the start why it cannot, instead of trying for ever', async () => {
    await running.close();
    writeFileSync(join(folder(), 'passphrase'), 'wrong');
    await assert.rejects(start(), hasCode('KEY_LOCKED'));
    writeFileSync(join(folder(), 'passphrase'), PASSPHRASE);
    running = await start();
    await assert.rejects(start(), hasCode('SIGNER_UNAVAILABLE', /Another signer/));
  });

  it('has no core dump, no inspector, no options or secrets in its environment or command line', async () => {
    const proc = (file: string) => readFileSync(`/proc/${running.pid()!}/${file}`, 'latin1');
    assert.match(proc('limits'), /Max core file size\s+0\s+0/);
    assert.doesNotMatch(proc('environ'), /NODE_OPTIONS|horse/);
    assert.doesNotMatch(proc('cmdline'), /horse/);
    process.kill(running.pid()!, 'SIGUSR1');
    await running.signer.ping();
    assert.doesNotMatch(proc('maps'), /\.node$/m);
  });

  it('ends when the server is gone, however it went', async () => {
    const pid = running.pid()!;
    await running.close();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

function unexpected(error: unknown): void {
  throw error;
}

const isThere = (client: SignerClient): Promise<boolean> =>
  client.ping().then(
    () => true,
    () => false,
  );

describe('The client of the signer', () => {
  const folder = withFolder();

  /** A signer that does nothing until it is told to. */
  function silent(): { readonly signer: Signer; readonly asked: () => number } {
    let count = 0;
    const never = async () => {
      count += 1;
      return new Promise<never>(() => {});
    };
    const signer: Signer = {
      keys: never,
      createKey: never,
      bindCertificate: never,
      rotateKey: never,
      retireKey: never,
      sign: never,
      recordRevocations: never,
      journalHead: never,
      journalAfter: never,
      ping: async () => {},
      close: async () => {},
    };
    return { signer, asked: () => count };
  }

  it('waits for a signer that is not there yet', async () => {
    const path = join(folder(), 's');
    const client = new SignerClient({ path });
    const answer = client.ping();
    await pause(50);
    const server = await serveSigner(silent().signer, { path, report: unexpected });
    await answer;
    await client.close();
    await server.close();
  });

  it('gives up when its time is over, and says so', async () => {
    const client = new SignerClient({ path: join(folder(), 'nobody'), timeoutMs: 60 });
    await assert.rejects(client.ping(), hasCode('SIGNER_UNAVAILABLE'));
    await client.close();
    await assert.rejects(client.ping(), hasCode('SIGNER_UNAVAILABLE'));
  });

  it('lets those who queue behind a silence wait no longer than the first of them, and forgets it when it ends', async () => {
    const client = new SignerClient({ path: join(folder(), 's'), timeoutMs: 200 });
    const began = performance.now();
    const first = assert.rejects(client.ping(), hasCode('SIGNER_UNAVAILABLE'));
    await pause(150);
    await Promise.all([first, assert.rejects(client.ping(), hasCode('SIGNER_UNAVAILABLE'))]);
    assert.ok(performance.now() - began < 320, 'their times add up');
    const server = await serveSigner(silent().signer, { path: join(folder(), 's'), report: unexpected });
    while (!(await isThere(client)));
    await Promise.all([
      assert.rejects(client.sign([]), hasCode('SIGNER_UNAVAILABLE')),
      pause(80).then(() => client.ping()),
    ]);
    await client.close();
    await server.close();
  });

  it('and the server refuse what is above their queues at once', async () => {
    const path = join(folder(), 's');
    const { signer, asked } = silent();
    const server = await serveSigner(signer, { path, report: unexpected, queueLimit: 2 });
    const client = new SignerClient({ path, queueLimit: 4, timeoutMs: 300 });
    const calls = Array.from({ length: 6 }, async () => client.sign([]));
    const outcomes = await Promise.allSettled(calls);
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'fulfilled'));
    assert.equal(asked(), 2);
    assert.deepEqual(
      reasons.map((reason) => /in time|as much to do|Too many calls/.exec(reason)?.[0]),
      ['in time', 'in time', 'as much to do', 'as much to do', 'Too many calls', 'Too many calls'],
    );
    await client.close();
    await server.close();
  });

  it('tells every call under way when the link breaks, and connects again', async () => {
    const path = join(folder(), 's');
    const first = await serveSigner(silent().signer, { path, report: unexpected });
    const client = new SignerClient({ path });
    await client.ping();
    const lost = assert.rejects(client.sign([]), hasCode('SIGNER_UNAVAILABLE', /went away/));
    await pause(20);
    await first.close();
    await lost;
    const second = await serveSigner(silent().signer, { path, report: unexpected });
    await client.ping();
    await client.close();
    await second.close();
  });

  it('is not brought down by garbage on the socket', async () => {
    const path = join(folder(), 's');
    const reports: unknown[] = [];
    const server = await serveSigner(silent().signer, { path, report: (error) => reports.push(error) });
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff), Buffer.alloc(4)]) {
      const socket = connect(path);
      socket.on('error', () => socket.destroy());
      socket.write(bytes);
      await new Promise((resolve) => socket.on('close', resolve));
    }
    const socket = connect(path);
    const splitter = new FrameSplitter();
    const codes: number[] = [];
    socket.on('data', (chunk) => codes.push(...splitter.push(chunk).map(({ code }) => code)));
    socket.write(
      Buffer.concat([frame(1, 99), frame(2, OPERATIONS.sign, (to) => to.u32(1000)), frame(3, OPERATIONS.ping)]),
    );
    while (codes.length < 3) await pause(5);
    assert.deepEqual(
      codes.toSorted((a, b) => a - b),
      [0, 1, 1],
    );
    assert.equal(reports.length, 5);
    assert.ok(reports.every((report) => report instanceof RangeError));
    socket.destroy();
    await server.close();
  });

  it('reads frames however the stream is cut', () => {
    const frames = [
      frame(1, 0),
      frame(2, 1, (to) => to.bytes(Buffer.alloc(1000, 7))),
      frame(3, 0, (to) => to.text('x')),
    ];
    const stream = Buffer.concat(frames);
    for (const size of [1, 2, 3, 5, 7, 64, 1013, stream.length]) {
      const splitter = new FrameSplitter();
      const got: number[] = [];
      for (let at = 0; at < stream.length; at += size) {
        got.push(...splitter.push(Buffer.from(stream.subarray(at, at + size))).map(({ call }) => call));
      }
      assert.deepEqual(got, [1, 2, 3], `cut every ${size} bytes`);
    }
  });
});
