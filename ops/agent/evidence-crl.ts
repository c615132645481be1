import { createHash } from 'node:crypto';
import { type Certificate, decodeCertificateList, FormatError } from '@licet/format';
import { checkCrl } from '@licet/verify';
import type { Fetched, Question } from './evidence-question.ts';

export function crlUrl({ extensions }: Certificate): string | undefined {
  for (const { point } of extensions.crlDistributionPoints ?? []) {
    if (point?.kind !== 'full') continue;
    const uri = point.names.find((name) => name.kind === 'uri' && /^https?:/.test(name.value));
    if (uri?.kind === 'uri') return uri.value;
  }
  return undefined;
}

/** By the address: the licenses of a site, one after the other, and their CAs may share a list. */
export const crlName = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 32);

/** One with a lower number than the one that is here is not kept: evidence never gets older. */
export async function askForCrl({ folder, certificate, issuer, at, url, ask }: Question): Promise<Fetched> {
  const answer = await ask({ method: 'GET', url });
  if (answer.status !== 200) return { url, problem: `the server answered ${answer.status}` };
  const name = crlName(url);
  const crl = await folder.evidenceNamed(name, 'crl');
  const before = crl && numberOf(crl);
  const floor = before === undefined ? {} : { highestNumber: before };
  const { status, detail, number } = await checkCrl(answer.body, { cert: certificate, issuer, at, ...floor });
  if (status !== 'good' && status !== 'revoked') return { url, problem: detail };
  if (before !== undefined && number === before) return { url, result: 'known' };
  await folder.keepEvidence(name, 'crl', answer.body);
  return { url, result: 'kept' };
}

/** One that a disk has damaged is as good as none. */
function numberOf(crl: Uint8Array): bigint | undefined {
  try {
    return decodeCertificateList(crl).extensions.crlNumber;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
