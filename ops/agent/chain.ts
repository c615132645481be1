import {
  type Bytes,
  type Certificate,
  decodeCertificate,
  decodePem,
  equalBytes,
  FormatError,
  formatName,
} from '@licet/format';
import { TrustAnchors, verifyLicense } from '@licet/verify';
import { toPem } from './est-client.ts';
import { AgentError } from './errors.ts';

export type KnownLicense = { readonly leaf: Certificate; readonly chain: readonly Certificate[] };

/** Reads `site.lic`: the license and its chain. */
export function readLicense(pem: string): KnownLicense {
  try {
    const [leaf, ...chain] = decodePem(pem, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    if (leaf === undefined) throw new AgentError('LICENSE_INVALID', 'The license file holds no certificate.');
    return { leaf, chain };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new AgentError('LICENSE_INVALID', `The license file cannot be read: ${error.message}.`, { cause: error });
  }
}

/** What all licenses of a site call it: license://<enterprise>.<organization>/<site>. */
export function siteIn({ extensions, subject }: Certificate): string {
  const name = extensions.subjectAltName?.find(({ kind }) => kind === 'uri');
  return name?.kind === 'uri' ? name.value : formatName(subject);
}

/**
 * What a license is kept with: itself and every CA between it and the root. An authority may show CAs of others too, the
 * old and the new CA of a rollover side by side, and roots that link to ours (RFC 7030 §4.1.3); whatever may be an issuer
 * stays: the verifier finds its way, and a product may trust another of these roots than we do. Other roots lead nowhere, and
 * neither does a link back.
 */
export function bundle(license: Bytes, authorities: readonly Bytes[], root: Bytes): string {
  const above = authorities
    .filter((der) => !equalBytes(der, root))
    .map((der) => decodeCertificate(der))
    .filter((ca) => !mayHaveIssued(ca, ca));
  const kept: Certificate[] = [decodeCertificate(license)];
  const leadsBack = (ca: Certificate) => kept.some((below) => mayHaveIssued(below, ca));
  // Grows as it is walked.
  for (const child of kept) {
    kept.push(...above.filter((ca) => !kept.includes(ca) && mayHaveIssued(ca, child) && !leadsBack(ca)));
  }
  return toPem(kept.map(({ der }) => der));
}

/** By name, and by key: the keys of a CA or of a root that followed another may have the same name. */
function mayHaveIssued(ca: Certificate, { issuer, extensions }: Certificate): boolean {
  const [own, by] = [ca.extensions.subjectKeyIdentifier, extensions.authorityKeyIdentifier?.keyIdentifier];
  if (!equalBytes(ca.subject.raw, issuer.raw)) return false;
  return own === undefined || by === undefined || equalBytes(own, by);
}

/** A license is installed only when it verifies here and now, and is for the key that we hold. */
export async function proveLicense(pem: string, root: string, publicKey: Bytes, at: Date): Promise<void> {
  const { leaf } = readLicense(pem);
  if (!equalBytes(leaf.publicKey.raw, publicKey)) {
    throw new AgentError(
      'ANSWER_INVALID',
      'This is a license for another key than that of the open request; nothing was changed.',
    );
  }
  const verdict = await verifyLicense(pem, { anchors: TrustAnchors.fromPem(root), at });
  // Not "usable": a license may be bound to a machine, or wait for its term. It has to be a license, though.
  if (verdict.effective !== undefined) return;
  // What an authority has made has begun; to a clock that is before that not even the root holds.
  if (at < leaf.notBefore) {
    const message = `The license begins at ${leaf.notBefore.toISOString()}, and the clock of this machine says ${at.toISOString()}: set it right, then try again; nothing was changed.`;
    throw new AgentError('ANSWER_INVALID', message);
  }
  const why = verdict.codes.find(({ severity }) => severity === 'error')?.detail ?? 'it is no license';
  throw new AgentError('ANSWER_INVALID', `The license does not hold below the root that this site trusts: ${why}`);
}
