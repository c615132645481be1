import type { Certificate } from '@licet/format';
import { equalBytes } from '@licet/format';
import { sameName } from '../names/directory.ts';
import { isFor } from '../names/requested.ts';
import { isAcceptableKey, keyKind } from '../signatures/keys.ts';
import type { Context } from './context.ts';
import type { Defect } from './findings.ts';
import { type Role, profileDefects } from './profile.ts';
import { issuerUsageDefect, leafUsageDefect } from './usage.ts';

/** Of anchors only: they outlive a verification, and remembering anything that does not costs more than it saves. */
const anchorProfiles = new WeakMap<Certificate, readonly Defect[]>();

/** The defects of a certificate that do not depend on the path in which it stands. */
export function localDefects(certificate: Certificate, role: Role, context: Context): Defect[] {
  const defects = [...profileOf(certificate, role)];
  const kind = keyKind(certificate.publicKey);
  if (kind === undefined || !isAcceptableKey(kind, context.allowWeak)) {
    defects.push({ code: 'ALGORITHM_REFUSED', detail: 'the public key is weak or of a kind that we do not take' });
  }
  // The validity of an anchor may be set apart from that of its certificate: see anchorDefects.
  if (role !== 'anchor') defects.push(...validityDefects(certificate.notBefore, certificate.notAfter, role, context));
  const usage = context.purpose === undefined ? undefined : usageDefect(certificate, role, context.purpose);
  if (usage !== undefined) defects.push({ code: 'USAGE_INVALID', detail: usage });
  if (role === 'leaf') defects.push(...nameDefects(certificate, context));
  return defects;
}

/** RFC 5280 §6.1.3 (a) (2): both ends are included. `context.at` is a whole second, as the certificate's times are. */
export function validityDefects(from: Date, to: Date, role: Role, { at }: Context): Defect[] {
  const leaf = role === 'leaf';
  // Negated, so that an invalid Date, which compares false with everything, is refused.
  if (!(at >= from.getTime())) {
    return [{ code: leaf ? 'NOT_YET_VALID' : 'ISSUER_NOT_YET_VALID', detail: `valid from ${from.toISOString()}` }];
  }
  if (!(at <= to.getTime()))
    return [{ code: leaf ? 'EXPIRED' : 'ISSUER_EXPIRED', detail: `valid to ${to.toISOString()}` }];
  return [];
}

/**
 * RFC 5280 §4.2.1.1, §4.2.1.2: what a certificate says of the key that signed it MUST be true of its issuer. §6.1 does
 * not look; OpenSSL does, and a mismatch is never a mistake that we want to follow.
 */
export function linkDefects(child: Certificate, issuer: Certificate): Defect[] {
  const id = child.extensions.authorityKeyIdentifier;
  const key = issuer.extensions.subjectKeyIdentifier;
  const defects: Defect[] = [];
  if (id?.keyIdentifier !== undefined && key !== undefined && !equalBytes(id.keyIdentifier, key)) {
    defects.push({ code: 'PROFILE_VIOLATION', detail: '4.2.1.1: the authority key identifier names another key' });
  }
  const names = id?.issuer?.filter((name) => name.kind === 'directory') ?? [];
  const known = names.length === 0 || names.some(({ name }) => sameName(name, issuer.issuer));
  if (!known || (id?.serial !== undefined && !equalBytes(id.serial, issuer.serial))) {
    defects.push({
      code: 'PROFILE_VIOLATION',
      detail: '4.2.1.1: the authority key identifier names another certificate',
    });
  }
  return defects;
}

function profileOf(certificate: Certificate, role: Role): readonly Defect[] {
  if (role !== 'anchor') return profileDefects(certificate, role);
  let profile = anchorProfiles.get(certificate);
  if (profile === undefined) anchorProfiles.set(certificate, (profile = profileDefects(certificate, role)));
  return profile;
}

function usageDefect(certificate: Certificate, role: Role, purpose: string): string | undefined {
  return role === 'leaf' ? leafUsageDefect(certificate, purpose) : issuerUsageDefect(certificate, purpose);
}

function nameDefects(certificate: Certificate, { names }: Context): Defect[] {
  return names
    .filter((name) => !isFor(certificate, name))
    .map(({ kind, value }) => ({ code: 'NAME_MISMATCH', detail: `not for the ${kind} name "${value}"` }));
}
