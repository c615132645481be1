import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasTool } from '@licet/checks';
import { type Certificate, decodeCertificate } from '@licet/format';
import { TrustAnchors, verifyLicenseSync } from '@licet/verify';
import {
  bundle,
  enterprise,
  makeCrl,
  makeEnterprise,
  makeOrganization,
  makeRoot,
  makeSite,
  NOW,
  organization,
  type Party,
  root,
} from '@licet/verify/testing';
import { answerWith, beside, type Pair, percent, share } from '../beside.ts';
import type { Row } from '../row.ts';

const LEAVES = 200;
/** Each has three keys, and 256 imported keys are remembered: with this many none is met again while it is. */
const CHAINS = 120;

/**
 * P4: a new license under CAs that were met before, against one bare P-256 verification with a key that is imported; and
 * a chain that was never met before, with a CRL of each CA, against the six bare verifications it contains (its three
 * imports of keys are ours to pay). Beside them Node's own X509Certificate (signatures and dates only) and `openssl
 * verify`. Each is measured in a thread of its own, in turns with the bare verification.
 */
export async function run(): Promise<readonly Row[]> {
  const row = async (what: string, name: string, bar?: number): Promise<Row> => {
    const { least, middle, most, rate } = share(await beside(import.meta.filename, name));
    return {
      id: 'P4',
      what,
      bar: bar === undefined ? '' : `≥ ${percent(bar)} of the bare signatures`,
      figure: `${percent(middle)} (${Math.round(rate)}/s)`,
      spread: `${percent(least)} to ${percent(most)}`,
      pass: bar === undefined || middle >= bar,
    };
  };
  return [
    await row('a license under CAs that are known', 'leaf', 0.7),
    await row('a chain of four that is new, with three CRLs', 'chain', 0.6),
    await row("Node's X509Certificate, chain of four: signatures and dates only", 'node'),
    ...(await openssl(makeSite(enterprise))),
  ];
}

await answerWith({
  leaf: () => pairOf(1, makeLeaves().map(leafOf())),
  chain: () => pairOf(6, Array.from({ length: CHAINS }, makeChain).map(chainOf)),
  node: () => pairOf(3, makeLeaves().map(nodeOf)),
});

function makeLeaves(): Party[] {
  return Array.from({ length: LEAVES }, () => makeSite(enterprise));
}

/** `signatures`: how many bare verifications one call holds. */
function pairOf(signatures: number, calls: readonly (() => void)[]): Pair {
  const bare = makeLeaves().map(bareOf);
  return {
    bare: (turn) => {
      for (let i = 0; i < signatures; i += 1) bare[(turn * signatures + i) % bare.length]!();
    },
    work: (turn) => calls[turn % calls.length]!(),
  };
}

function must(condition: boolean): void {
  if (!condition) throw new Error('what should verify does not');
}

function bareOf(leaf: Party): () => void {
  const { tbs, signature }: Certificate = decodeCertificate(leaf.certificate);
  const key = createPublicKey({ key: Buffer.from(enterprise.publicKey), format: 'der', type: 'spki' });
  return () => must(verify('sha256', tbs, key, signature));
}

function leafOf(): (leaf: Party) => () => void {
  const anchors = TrustAnchors.fromDer([root.certificate]);
  return (leaf) => {
    const license = bundle(leaf, enterprise, organization);
    return () => must(verifyLicenseSync(license, { anchors, at: NOW }).usable);
  };
}

type Chain = { readonly license: string; readonly crls: readonly Uint8Array[]; readonly root: Party };

function makeChain(): Chain {
  const top = makeRoot();
  const org = makeOrganization(top);
  const ent = makeEnterprise(org);
  return { license: bundle(makeSite(ent), ent, org), crls: [top, org, ent].map((ca) => makeCrl(ca)), root: top };
}

function chainOf({ license, crls, root: top }: Chain): () => void {
  return () => {
    // New anchors each time: nothing of the chain is remembered.
    const anchors = TrustAnchors.fromDer([top.certificate]);
    must(verifyLicenseSync(license, { anchors, at: NOW, evidence: { crls } }).usable);
  };
}

function nodeOf(leaf: Party): () => void {
  const ders = [leaf, enterprise, organization, root].map(({ certificate }) => Buffer.from(certificate));
  return () => {
    const chain = ders.map((der) => new X509Certificate(der));
    for (const [i, certificate] of chain.slice(0, -1).entries()) {
      must(certificate.checkIssued(chain[i + 1]!) && certificate.verify(chain[i + 1]!.publicKey));
      must(certificate.validToDate > NOW && certificate.validFromDate < NOW);
    }
  };
}

/** One process for each license: what calling `openssl verify` from a product costs. */
async function openssl(leaf: Party): Promise<Row[]> {
  const what = 'openssl verify, one process for each';
  if (!hasTool('openssl')) return [{ id: 'P4', what, bar: '', figure: 'not run', pass: true }];
  const folder = await mkdtemp(join(tmpdir(), 'licet-p4-'));
  try {
    await writeFile(join(folder, 'root.pem'), bundle(root));
    await writeFile(join(folder, 'chain.pem'), bundle(enterprise, organization));
    await writeFile(join(folder, 'leaf.pem'), bundle(leaf));
    const at = String(NOW.getTime() / 1000);
    const args = [
      'verify',
      '-x509_strict',
      '-attime',
      at,
      '-CAfile',
      'root.pem',
      '-untrusted',
      'chain.pem',
      'leaf.pem',
    ];
    const start = performance.now();
    for (let i = 0; i < 20; i += 1) await promisify(execFile)('openssl', args, { cwd: folder });
    return [{ id: 'P4', what, bar: '', figure: `${Math.round(20_000 / (performance.now() - start))}/s`, pass: true }];
  } finally {
    await rm(folder, { recursive: true });
  }
}
