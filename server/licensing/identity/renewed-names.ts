import { type Certificate, type CertificationRequest, type GeneralName, OID, toHex } from '@licet/format';
import { sameName } from '@licet/verify';
import { strangerIn } from '../enrolment/asked-names.ts';
import { LicetError } from '../errors.ts';

/**
 * RFC 7030 §4.2.2: a renewal asks for the names that the license has, compared as names and not as bytes. What it leaves
 * out asks for no other, so it passes; the key may be another one.
 */
export function checkRenewedNames(request: CertificationRequest, license: Certificate): void {
  if (request.attributes.some(({ oid }) => oid === OID.changeSubjectName)) {
    // RFC 6402 §2.8 leaves it to the server. A site is one lineage under one name, which stands in what was reported and
    // billed; another name is another site.
    throw refuse('NAME_CHANGE_REFUSED', 'A site keeps its name; have another site made, and enrol as that.');
  }
  if (strangerIn(request.subject, license.subject.rdns.flat()) !== undefined) {
    throw refuse(
      'SUBJECT_MISMATCH',
      'The subject of the request is not that of the license; copy it, or leave out what differs.',
    );
  }
  const wanted = request.requestedExtensions?.subjectAltName;
  if (wanted !== undefined && !sameNames(wanted, license.extensions.subjectAltName ?? [])) {
    throw refuse(
      'SAN_MISMATCH',
      'The request has other alternative names than the license; copy them, or leave them out.',
    );
  }
}

/** A SET in meaning: neither order nor repetition says anything. */
function sameNames(a: readonly GeneralName[], b: readonly GeneralName[]): boolean {
  return (
    a.every((name) => b.some((other) => sameGeneralName(name, other))) &&
    b.every((name) => a.some((other) => sameGeneralName(name, other)))
  );
}

function sameGeneralName(a: GeneralName, b: GeneralName): boolean {
  if (a.kind === 'directory' && b.kind === 'directory') return sameName(a.name, b.name);
  return textOf(a) === textOf(b);
}

/** RFC 5280 §7.2 to §7.5: hosts do not mind their case; the rest is compared as it stands. */
function textOf(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
      return `dns ${name.value.toLowerCase()}`;
    case 'email':
      return `email ${name.value.replace(/@.*$/, (host) => host.toLowerCase())}`;
    case 'uri':
      return `uri ${name.value.replace(/^[^/]*:\/\/[^/]*/, (origin) => origin.toLowerCase())}`;
    case 'ip':
      return `ip ${toHex(name.bytes)}`;
    case 'registeredId':
      return `id ${name.oid}`;
    case 'other':
      return `other ${name.oid} ${toHex(name.value)}`;
    case 'directory':
      return `directory ${toHex(name.name.raw)}`;
    default:
      return `${name.kind} ${toHex(name.value)}`;
  }
}

const refuse = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);
