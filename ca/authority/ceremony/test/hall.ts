import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, decodeCertificate, decodePem } from '@licet/format';
import { stringify } from 'yaml';
import { readSecretFile } from '../../signer/launch.ts';
import { openSigner } from '../../signer/open.ts';
import { FAST } from '../../signer/test/hierarchy.ts';
import { CEREMONIES } from '../config/index.ts';
import { holdCeremony } from '../hold.ts';
import type { Room } from '../room.ts';
import { fingerprintOf } from '../words.ts';

export const NOW = new Date('2027-01-01T12:00:00Z');
export const BASE = 'http://pki.acme.example';

type Fields = Readonly<Record<string, unknown>>;

/** A place for ceremonies, with a clock that can be set and a person who answers. */
export class Hall {
  readonly folder = mkdtempSync(join(tmpdir(), 'licet-hall-'));
  now = NOW;
  answers: string[] = [];
  said: string[] = [];
  /** After so many lines the one who reads them falls over the cable. */
  interruptAt: number | undefined;
  readonly room: Room = {
    clock: { now: () => this.now },
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    program: { version: '0.0.0', node: 'v24', hash: '00' },
    say: (line) => {
      if (this.said.length === this.interruptAt) throw new Error('interrupted');
      this.said.push(line);
    },
    ask: async () => this.answers.shift(),
  };

  constructor() {
    writeFileSync(this.path('passphrase'), 'a passphrase of the test\n');
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Signers that open quickly: a folder remembers the cost of its passphrase. */
  async prepareSigners(...folders: string[]): Promise<void> {
    for (const folder of folders) {
      const passphrase = await readSecretFile(this.path('passphrase'));
      const options = { folder: this.path(folder), clock: this.room.clock, keys: { passphrase }, ...FAST };
      await (await openSigner(options)).close();
    }
  }

  /** Writes the file and holds the ceremony; `output` is the name of both. */
  async hold(ceremony: string, output: string, fields: Fields, options: { dryRun?: boolean; yes?: boolean } = {}) {
    const file = this.path(`${output}.yaml`);
    const witnesses = [{ name: 'Ada', role: 'witness' }];
    writeFileSync(file, stringify({ ceremony, witnesses, output, ...fields }, { aliasDuplicateObjects: false }));
    this.said = [];
    return holdCeremony({ file, allowed: CEREMONIES, dryRun: false, yes: true, ...options }, this.room);
  }

  root(output = 'root', change: Fields = {}) {
    return this.hold('root', output, {
      algorithm: 'P-256',
      subject: { organization: 'acme', commonName: 'Acme Root' },
      publish: BASE,
      shares: { needed: 2, custodians: ['ada', 'grace', 'hedy'] },
      ...change,
    });
  }

  /** The root as the issuer of a file. */
  byRoot(folder = 'root', shares = ['ada', 'grace']): Fields {
    return {
      chain: `${folder}/root.pem`,
      publish: BASE,
      signer: { folder: `${folder}/signer`, shares: shares.map((name) => `${folder}/shares/${name}.share`) },
    };
  }

  request(output: string, authority: string, change: Fields = {}) {
    return this.hold('request', output, {
      authority,
      algorithm: 'P-256',
      subject: subjectOf(authority),
      signer: { folder: 'online', passphraseFile: 'passphrase' },
      ...change,
    });
  }

  sign(output: string, authority: string, request: string, change: Fields = {}) {
    return this.hold('sign', output, {
      authority,
      request: `${request}/${authority}.csr`,
      fingerprint: fingerprintOf(this.der(request, `${authority}.csr`)),
      issuer: this.byRoot(),
      subject: subjectOf(authority),
      ...(authority !== 'service' && { claims: CLAIMS }),
      ...change,
    });
  }

  accept(output: string, authority: string, signed: string, change: Fields = {}) {
    return this.hold('accept', output, {
      authority,
      chain: `${signed}/chain.pem`,
      rootFingerprint: fingerprintOf(this.der('root', 'root.pem')),
      signer: { folder: 'online', passphraseFile: 'passphrase' },
      ...change,
    });
  }

  async authority(authority: string, change: { algorithm?: string } = {}): Promise<Certificate> {
    await this.request(`${authority}-request`, authority, change);
    await this.sign(`${authority}-signed`, authority, `${authority}-request`);
    await this.accept(`${authority}-accepted`, authority, `${authority}-signed`);
    return this.certificate(`${authority}-signed`, `${authority}.pem`);
  }

  der(...file: string[]): Uint8Array {
    return decodePem(readFileSync(this.path(...file), 'utf8'))[0]!.bytes;
  }

  certificate(...file: string[]): Certificate {
    return decodeCertificate(this.der(...file));
  }

  /** What lies in the hall, without its YAML files. */
  listing(): string[] {
    return readdirSync(this.folder).filter((name) => !name.endsWith('.yaml'));
  }

  openssl(...args: string[]): string {
    const run = spawnSync('openssl', args, { cwd: this.folder, encoding: 'utf8' });
    return `${run.stdout}${run.stderr}`;
  }

  /** By another program than ours, at a time. */
  opensslVerify(at: Date, ...args: string[]): string {
    return this.openssl('verify', '-x509_strict', '-attime', String(at.getTime() / 1000), ...args);
  }

  leave(): void {
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}

export function opensslText(pem: string): string {
  return execFileSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' });
}

export const CLAIMS = {
  id: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  modes: ['production', 'development'],
  tier: { rank: 20, code: 'gold' },
  features: ['press/remote', 'press'],
  limits: [{ code: 'machines', max: 50, scope: 'each', enforce: 'hard' }],
  term: { from: '2027-01-01T00:00:00Z', to: '2036-01-01T00:00:00Z' },
  grace: 86_400,
  contact: 86_400,
  degrade: 'warn',
};

function subjectOf(authority: string): Fields {
  const enterprise = authority === 'enterprise' ? { enterprise: 'globex' } : {};
  return { organization: 'acme', ...enterprise, commonName: `Acme ${authority} CA` };
}
