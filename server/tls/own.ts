import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import {
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  encodePem,
  OID,
} from '@licet/format';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type CheckedTls, checkTls, TlsMaterialError } from './context.ts';
import type { WatchedTls } from './files.ts';

export type OwnTlsOptions = {
  /** Private key and chain in one file, so that they never disagree. */
  readonly file: string;
  readonly names: readonly string[];
  /** Has the request certified by the service CA; gives the certificate and what stands between it and the root. */
  readonly certify: (csr: Uint8Array) => Promise<readonly Uint8Array[]>;
  /** What would stand above a certificate that is made now; undefined where none can be made. */
  readonly above: () => Promise<readonly Uint8Array[] | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly lookEveryMs?: number;
};

const LOOK_EVERY_MS = 10 * 60_000;
const RENEW_AFTER = 2 / 3;

/**
 * The server's own TLS certificate: made at the first start, made anew with a new key when two thirds of its life are
 * over or its CA was followed by another, since the former may be revoked soon, and swapped while connections go on. Its
 * key is the one private key in this process: TLS needs it here. It licenses nothing, and its CA cannot sign licenses.
 */
export async function keepOwnTls(options: OwnTlsOptions): Promise<WatchedTls> {
  const users: ((tls: CheckedTls) => void)[] = [];
  let current = read(options) ?? (await renew(options));
  const look = async (): Promise<void> => {
    try {
      if (!(await isDue(current, options))) return;
      current = await renew(options);
      for (const use of users) use(current.checked);
      options.log.info({ expiresAt: current.checked.expiresAt.toISOString() }, 'own TLS certificate renewed');
    } catch (error) {
      options.metrics.certificateReloaded('failed');
      options.log.error({ err: error }, 'own TLS certificate not renewed, the old one stays in use');
    }
  };
  // Of a file that was kept: one that cannot be renewed now, because the server is fenced or its signer away, is no reason
  // not to start. CRL and OCSP are to be there whatever state TLS is in.
  await look();
  let working: Promise<void> | undefined;
  const start = () => {
    working ??= look().finally(() => (working = undefined));
  };
  const timer = setInterval(start, options.lookEveryMs ?? LOOK_EVERY_MS).unref();
  return {
    first: current.checked,
    onChange: (use) => void users.push(use),
    reload: start,
    stop: () => clearInterval(timer),
  };
}

type Own = {
  readonly checked: CheckedTls;
  readonly leaf: X509Certificate;
  readonly above: readonly X509Certificate[];
};

/** What was kept from an earlier start, unless it cannot be used. */
function read(options: OwnTlsOptions): Own | undefined {
  let text: string;
  try {
    text = readFileSync(options.file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TlsMaterialError(`The file ${options.file} cannot be read: correct its rights.`, { cause: error });
  }
  try {
    return open(text, options);
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error;
    options.log.warn({ file: options.file, err: error }, 'own TLS certificate is damaged, making another');
    return undefined;
  }
}

function open(text: string, { clock, metrics }: OwnTlsOptions): Own {
  const [key = '', ...certificates] = text.split(/(?=-----BEGIN CERTIFICATE-----)/);
  const checked = checkTls({ key, certificate: certificates.join('') }, clock.now());
  metrics.certificateReloaded('done', checked.expiresAt);
  const [leaf, ...above] = certificates.map((pem) => new X509Certificate(pem));
  return { checked, leaf: leaf!, above };
}

async function isDue({ leaf, above }: Own, { clock, names, above: today }: OwnTlsOptions): Promise<boolean> {
  const from = leaf.validFromDate.getTime();
  const due = from + (leaf.validToDate.getTime() - from) * RENEW_AFTER;
  const covers = names.every((name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined);
  if (clock.now().getTime() >= due || !covers) return true;
  const wanted = (await today()) ?? above.map(({ raw }) => raw);
  return wanted.length !== above.length || wanted.some((der, i) => !above[i]!.raw.equals(der));
}

async function renew(options: OwnTlsOptions): Promise<Own> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: createName([{ type: 'commonName', value: options.names[0]! }]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
  });
  const csr = encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), sign('sha256', info, privateKey));
  const chain = await options.certify(csr);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const text = [key, ...chain.map((der) => encodePem('CERTIFICATE', der))].join('');
  const own = open(text, options);
  writeDurably(options.file, text);
  return own;
}

/** As a whole or not at all, readable by its owner only. */
function writeDurably(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}
