import { createHash } from 'node:crypto';
import { type Certificate, decodeCertificate, decodeCertificateList, decodePem, equalBytes } from '@licet/format';
import { checkCrl } from '@licet/verify';
import { AgentError } from './errors.ts';
import { call, trustOf } from './http.ts';
import { readLicense } from './chain.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';
import type { SiteFolder } from './site-folder.ts';

/** What happened to one CRL: `kept` is new here, `known` was here already. */
export type Fetched =
  { readonly url: string; readonly result: 'kept' | 'known' } | { readonly url: string; readonly problem: string };

/**
 * Fetches the CRL of the license and of each CA above it. One that does not verify, or has a lower number than the one
 * we have, is not kept: evidence never gets older.
 */
export async function fetchEvidence({ folder, store }: Site, at: Date, settings: Settings): Promise<Fetched[]> {
  const current = await store.current();
  if (current === undefined) return [];
  const { leaf, chain } = readLicense(current.license);
  const [root] = decodePem(await folder.root(), 'CERTIFICATE');
  const issuers = root === undefined ? chain : [...chain, decodeCertificate(root.bytes)];
  const results: Fetched[] = [];
  for (const certificate of [leaf, ...chain]) {
    const issuer = issuerOf(certificate, issuers);
    const url = crlUrl(certificate);
    if (issuer === undefined || url === undefined) continue;
    results.push(await fetchOne(folder, { url, certificate, issuer, at, settings }));
  }
  return results;
}

type One = {
  readonly url: string;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly at: Date;
  readonly settings: Settings;
};

async function fetchOne(folder: SiteFolder, { url, certificate, issuer, at, settings }: One): Promise<Fetched> {
  try {
    // A CRL carries its own proof, so it may come over any wire.
    const trust = trustOf(settings, await folder.root());
    const answer = await call({ method: 'GET', url, trust, proxy: settings.proxy });
    if (answer.status !== 200) return { url, problem: `the server answered ${answer.status}` };
    const name = createHash('sha256').update(url).digest('hex').slice(0, 32);
    const before = await knownNumber(folder, name);
    const floor = before === undefined ? {} : { highestNumber: before };
    const { status, detail, number } = await checkCrl(answer.body, { cert: certificate, issuer, at, ...floor });
    if (status !== 'good' && status !== 'revoked') return { url, problem: detail };
    if (before !== undefined && number === before) return { url, result: 'known' };
    await folder.keepEvidence(name, answer.body);
    return { url, result: 'kept' };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { url, problem: error.message };
  }
}

async function knownNumber(folder: SiteFolder, name: string): Promise<bigint | undefined> {
  const crl = await folder.evidenceNamed(name);
  return crl && decodeCertificateList(crl).extensions.crlNumber;
}

function crlUrl({ extensions }: Certificate): string | undefined {
  for (const { point } of extensions.crlDistributionPoints ?? []) {
    if (point?.kind !== 'full') continue;
    const uri = point.names.find((name) => name.kind === 'uri' && /^https?:/.test(name.value));
    if (uri?.kind === 'uri') return uri.value;
  }
  return undefined;
}

/** By name, and by key where two keys of one name live side by side (RFC 5280 §4.2.1.1). */
function issuerOf({ issuer, extensions }: Certificate, candidates: readonly Certificate[]): Certificate | undefined {
  const named = candidates.filter(({ subject }) => equalBytes(subject.raw, issuer.raw));
  const key = extensions.authorityKeyIdentifier?.keyIdentifier;
  const exact =
    key &&
    named.find((ca) => ca.extensions.subjectKeyIdentifier && equalBytes(ca.extensions.subjectKeyIdentifier, key));
  return exact ?? named[0];
}
