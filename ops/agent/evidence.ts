import { type Certificate, decodeCertificate, decodePem, equalBytes } from '@licet/format';
import { readLicense } from './chain.ts';
import { AgentError, diskError } from './errors.ts';
import { askForCrl, crlName, crlUrl } from './evidence-crl.ts';
import { askForStatus, ocspName, ocspUrl } from './evidence-ocsp.ts';
import type { Fetched, Question } from './evidence-question.ts';
import { call, trustOf } from './http.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';

/**
 * Fetches what tells about revocation, for verdicts without a network: the CRL of the license and of each CA above it, and
 * the OCSP response for the license. What does not verify, or is older than what is here, is not kept; and nothing of
 * licenses before: each may have been of another list of its CA, and no product takes hundreds of lists.
 */
export async function fetchEvidence(
  { folder, store, signal }: Site,
  at: Date,
  settings: Settings,
  deadlineMs?: number,
): Promise<Fetched[]> {
  const current = await store.current();
  if (current === undefined) return [];
  const { leaf, chain } = readLicense(current.license);
  const root = await folder.root();
  const [anchor] = decodePem(root, 'CERTIFICATE');
  const issuers = anchor === undefined ? chain : [...chain, decodeCertificate(anchor.bytes)];
  const ask: Question['ask'] = (asked) =>
    call({ ...asked, trust: trustOf(settings, root), proxy: settings.proxy, signal }, deadlineMs);
  const results: Fetched[] = [];
  const wanted = new Set<string>();
  for (const certificate of [leaf, ...chain]) {
    const issuer = issuerOf(certificate, issuers);
    if (issuer === undefined) continue;
    const about = { folder, certificate, issuer, at, ask };
    const crl = crlUrl(certificate);
    if (crl !== undefined) {
      wanted.add(`${crlName(crl)}.crl`);
      results.push(await orProblem({ ...about, url: crl }, askForCrl));
    }
    const ocsp = certificate === leaf ? ocspUrl(certificate) : undefined;
    if (ocsp !== undefined) {
      wanted.add(`${ocspName(certificate)}.ocsp`);
      results.push(await orProblem({ ...about, url: ocsp }, askForStatus));
    }
  }
  await folder.dropEvidence(wanted);
  return results;
}

/** A person waits for it, and `run` asks again. */
const FIRST_DEADLINE_MS = 10_000;

/**
 * For a license that was stored this moment, so that the first verdict on it knows its status. Never rejects, since the
 * license is there and good without: resolves to a sentence about what is not to be had.
 */
export async function firstEvidence(site: Site, at: Date, settings: Settings): Promise<string | undefined> {
  const problems = new Set<string>();
  try {
    for (const fetched of await fetchEvidence(site, at, settings, FIRST_DEADLINE_MS)) {
      if ('problem' in fetched) problems.add(namedProblem(fetched));
    }
  } catch (error) {
    problems.add((diskError(site.folder.path, error) as Error).message);
  }
  if (problems.size === 0) return undefined;
  const why = [...problems].map((problem) => problem.replace(/\.$/, '')).join('; ');
  return `The license is in place, but not all evidence about its revocation is (${why}): licet-agent run will fetch it, or licet-agent evidence.`;
}

const namedProblem = ({ url, problem }: { readonly url: string; readonly problem: string }): string =>
  problem.includes(new URL(url).origin) ? problem : `${url}: ${problem}`;

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
