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
import type { Row } from '../row.ts';

const ROUNDS = 5;
/** The contestants take turns in slices, so that a busy moment of the machine meets all of them. */
const SLICES = 8;
const SLICE_MS = 50;
const WARM_UP_MS = 1_600;
const LEAVES = 200;
const CHAINS = 40;

/**
 * P4: a new license under CAs that were met before, against one bare P-256 verification; and a chain that was never met
 * before, with a CRL of each CA, against the six bare verifications it contains. Beside them Node's own
 * X509Certificate (signatures and dates only) and `openssl verify`.
 */
export async function run(): Promise<readonly Row[]> {
  const leaves = Array.from({ length: LEAVES }, () => makeSite(enterprise));
  const chains = Array.from({ length: CHAINS }, makeChain);
  const contestants = [
    one('bare', leaves.map(bareOf)),
    one('leaf', leaves.map(leafOf())),
    one('chain', chains.map(chainOf)),
    one('node', leaves.map(nodeOf)),
  ];
  for (const contestant of contestants) timed(contestant, WARM_UP_MS);
  const rounds = Array.from({ length: ROUNDS }, () => oneRound(contestants));
  const row = (what: string, index: number, signatures: number, bar?: number): Row => {
    const ratios = rounds.map((rates) => (rates[index]! * signatures) / rates[0]!).toSorted((a, b) => a - b);
    const rate = rounds.map((rates) => rates[index]!).toSorted((a, b) => a - b)[ROUNDS >> 1]!;
    const middle = ratios[ROUNDS >> 1]!;
    return {
      id: 'P4',
      what,
      bar: bar === undefined ? '' : `≥ ${percent(bar)} of the bare signatures`,
      figure: `${percent(middle)} (${Math.round(rate)}/s)`,
      spread: `${percent(ratios[0]!)} to ${percent(ratios.at(-1)!)}`,
      pass: bar === undefined || middle >= bar,
    };
  };
  return [
    row('a license under CAs that are known', 1, 1, 0.7),
    row('a chain of four that is new, with three CRLs', 2, 6, 0.6),
    row("Node's X509Certificate, chain of four: signatures and dates only", 3, 3),
    ...(await openssl(leaves[0]!)),
  ];
}

const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`;

type Contestant = { readonly name: string; readonly calls: readonly (() => void)[]; next: number };

const one = (name: string, calls: readonly (() => void)[]): Contestant => ({ name, calls, next: 0 });

/** Calls per second of each. */
function oneRound(contestants: readonly Contestant[]): number[] {
  const sums = contestants.map(() => ({ calls: 0, micros: 0 }));
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (const [i, contestant] of contestants.entries()) {
      const { calls, micros } = timed(contestant, SLICE_MS);
      sums[i]!.calls += calls;
      sums[i]!.micros += micros;
    }
  }
  return sums.map(({ calls, micros }) => (calls * 1e6) / micros);
}

/** In time of this thread's CPU: on a shared machine that of the clock says who else was running. */
function timed(contestant: Contestant, ms: number): { readonly calls: number; readonly micros: number } {
  const start = performance.now();
  const before = process.threadCpuUsage();
  let calls = 0;
  while (performance.now() - start < ms) {
    for (let i = 0; i < 10; i += 1) contestant.calls[contestant.next++ % contestant.calls.length]!();
    calls += 10;
  }
  const { user, system } = process.threadCpuUsage(before);
  return { calls, micros: user + system };
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
