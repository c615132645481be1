import { type Certificate, decodeCertificate, decodePem, equalBytes } from '@licet/format';
import { readLicense } from './chain.ts';
import { AgentError } from './errors.ts';
import { askForCrl, crlUrl } from './evidence-crl.ts';
import { askForStatus, ocspUrl } from './evidence-ocsp.ts';
import type { Fetched, Question } from './evidence-question.ts';
import { call, trustOf } from './http.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';

/**
 * Fetches what tells about revocation, for verdicts without a network: the CRL of the license and of each CA above it, and
 * the OCSP response for the license. What does not verify, or is older than what is here, is not kept.
 */
export async function fetchEvidence({ folder, store }: Site, at: Date, settings: Settings): Promise<Fetched[]> {
  const current = await store.current();
  if (current === undefined) return [];
  const { leaf, chain } = readLicense(current.license);
  const root = await folder.root();
  const [anchor] = decodePem(root, 'CERTIFICATE');
  const issuers = anchor === undefined ? chain : [...chain, decodeCertificate(anchor.bytes)];
  const ask: Question['ask'] = (asked) => call({ ...asked, trust: trustOf(settings, root), proxy: settings.proxy });
  const results: Fetched[] = [];
  for (const certificate of [leaf, ...chain]) {
    const issuer = issuerOf(certificate, issuers);
    if (issuer === undefined) continue;
    const about = { folder, certificate, issuer, at, ask };
    const crl = crlUrl(certificate);
    if (crl !== undefined) results.push(await orProblem({ ...about, url: crl }, askForCrl));
    const ocsp = certificate === leaf ? ocspUrl(certificate) : undefined;
    if (ocsp !== undefined) results.push(await orProblem({ ...about, url: ocsp }, askForStatus));
  }
  return results;
}

async function orProblem(question: Question, put: (question: Question) => Promise<Fetched>): Promise<Fetched> {
  try {
    return await put(question);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { url: question.url, problem: error.message };
  }
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
