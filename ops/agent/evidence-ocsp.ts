import { hash } from 'node:crypto';
import { type Certificate, createAlgorithm, encodeCertId, encodeOcspRequest, OID, toHex } from '@licet/format';
import { checkOcsp, type EvidenceResult } from '@licet/verify';
import type { Fetched, Question } from './evidence-question.ts';

export function ocspUrl({ extensions }: Certificate): string | undefined {
  for (const { method, location } of extensions.authorityInfoAccess ?? []) {
    if (method === OID.accessOcsp && location.kind === 'uri' && /^https?:/.test(location.value)) return location.value;
  }
  return undefined;
}

export const ocspName = ({ serial }: Certificate): string => toHex(serial);

/**
 * RFC 6960 appendix A.1. Without a nonce, so that the responder may answer as it has answered others. The response that
 * is here stays when it is the newer one.
 */
export async function askForStatus(question: Question): Promise<Fetched> {
  const { folder, certificate, issuer, at, url, ask } = question;
  const answer = await ask({
    method: 'POST',
    url,
    headers: { 'Content-Type': 'application/ocsp-request', Accept: 'application/ocsp-response' },
    body: requestFor(certificate, issuer),
  });
  if (answer.status !== 200) return { url, problem: `the responder answered ${answer.status}` };
  const about = { cert: certificate, issuer, at };
  const said = await checkOcsp(answer.body, about);
  const speaks = said.status === 'good' || said.status === 'revoked';
  if (!speaks || said.thisUpdate === undefined) return { url, problem: said.detail };
  const name = ocspName(certificate);
  const here = await folder.evidenceNamed(name, 'ocsp');
  const before = here && (await checkOcsp(here, about));
  if (before?.thisUpdate !== undefined && !isNews(said, before)) return { url, result: 'known' };
  await folder.keepEvidence(name, 'ocsp', answer.body);
  return { url, result: 'kept' };
}

/** Responses are dated by the second: of two that are as old as each other, the one that says revoked came later. */
function isNews(one: EvidenceResult, before: EvidenceResult): boolean {
  const [at, then] = [one, before].map(({ thisUpdate }) => thisUpdate?.getTime() ?? 0) as [number, number];
  return at > then || (at === then && one.status === 'revoked' && before.status === 'good');
}

function requestFor({ serial }: Certificate, { subject, publicKey }: Certificate): Uint8Array {
  const certId = encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha256),
    issuerNameHash: new Uint8Array(hash('sha256', subject.raw, 'buffer')),
    issuerKeyHash: new Uint8Array(hash('sha256', publicKey.key, 'buffer')),
    serial,
  });
  return encodeOcspRequest({ requests: [{ raw: certId }] });
}
