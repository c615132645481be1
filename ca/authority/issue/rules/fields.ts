import { equalBytes, OID } from '@licet/format';
import { SERIAL_OCTETS } from '../serial.ts';
import { SIGNATURE_ALGORITHMS } from '../signatures.ts';
import { type Rule, when } from './rule.ts';

/** The TLS stacks of the field refuse certificates much above this; ML-DSA-65 with the largest claims takes 10 KiB. */
const MOST_BYTES = 12 * 1024;
/** RFC 5280 appendix A.1: ub-organization-name, ub-organizational-unit-name, ub-common-name. */
const NAME_MOST = 64;
const SUBJECT_TYPES: readonly string[] = [OID.organizationName, OID.organizationalUnitName, OID.commonName];

/** The fields of TBSCertificate, RFC 5280 §4.1. */
export const FIELD_RULES: readonly Rule[] = [
  {
    section: 'RFC 5280 §4.1',
    check: ({ der }) => when(der.length > MOST_BYTES, `the certificate takes ${der.length} bytes, above ${MOST_BYTES}`),
  },
  {
    section: 'RFC 5280 §4.1.2.1',
    check: ({ version }) => when(version !== 3, 'a certificate with extensions has version 3'),
  },
  {
    section: 'RFC 5280 §4.1.2.2',
    check: ({ serial }) =>
      when(
        serial.length !== SERIAL_OCTETS || serial[0] !== 0x01,
        'the serial is none of ours: 0x01 and 128 random bits',
      ),
  },
  {
    section: 'RFC 5280 §4.1.1.2',
    check: ({ signatureAlgorithm }, { issuer }) =>
      when(
        !equalBytes(signatureAlgorithm.raw, SIGNATURE_ALGORITHMS[issuer.algorithm]),
        'the signature algorithm is not that of the issuer’s key',
      ),
  },
  {
    section: 'RFC 5280 §4.1.2.4',
    check: (certificate, { issuer }) =>
      when(
        certificate.issuer.rdns.length === 0 ||
          !equalBytes(certificate.issuer.raw, (issuer.name ?? certificate.subject).raw),
        'the issuer is not byte for byte the subject of the issuer’s certificate',
      ),
  },
  {
    section: 'RFC 5280 §4.1.2.5',
    check: ({ notBefore, notAfter }, { profile }) => {
      const seconds = (notAfter.getTime() - notBefore.getTime()) / 1000 + 1; // both ends belong to it
      return when(
        seconds <= 1 || seconds > profile.lifetime,
        `a life of ${seconds} s is not within the ${profile.lifetime} s of the profile`,
      );
    },
  },
  {
    section: 'RFC 5280 §4.1.2.5',
    check: ({ notBefore, notAfter }, { issuer: { certificate: above } }) =>
      when(
        above !== undefined &&
          (notBefore.getTime() < above.notBefore.getTime() || notAfter.getTime() > above.notAfter.getTime()),
        'the certificate begins before or ends after its issuer',
      ),
  },
  {
    section: 'RFC 5280 §4.1.2.6',
    check: ({ subject: { rdns } }) =>
      when(
        !rdns.every(([attribute, ...more]) => more.length === 0 && SUBJECT_TYPES.includes(attribute?.oid ?? '')) ||
          rdns.length < 2,
        'the subject has other parts than organization, enterprise and common name',
      ),
  },
  {
    section: 'RFC 5280 appendix A.1',
    check: ({ subject: { rdns } }) =>
      when(
        rdns.some((rdn) => rdn.some(({ value }) => value === undefined || value === '' || value.length > NAME_MOST)),
        `a part of the subject is empty or longer than ${NAME_MOST} characters`,
      ),
  },
  {
    section: 'RFC 5280 §4.1.2.8',
    check: ({ issuerUniqueId, subjectUniqueId }) =>
      when(issuerUniqueId !== undefined || subjectUniqueId !== undefined, 'unique identifiers must not be generated'),
  },
];
