import {
  createAlgorithm,
  createName,
  decodeCertificate,
  decodeCertificateList,
  decodeCertificationRequest,
  decodeCertsOnly,
  decodeOcspRequest,
  decodeOcspResponse,
  encodeCertificate,
  encodeTbsCertificate,
  extension,
  OID,
  Tag,
  type Bytes,
  type FormatCode,
} from '@licet/format';
import {
  certificate,
  certificateAt,
  certificateFor,
  certificateOf,
  commonName,
  crl,
  crlOf,
  der,
  ECDSA,
  ED25519,
  entry,
  extensionList,
  FIELDS,
  FROM,
  hex,
  NAME,
  PUBLIC_KEY,
  raw,
  refuses,
  sequence,
  SIGNATURE,
  tagged,
  withExtension,
} from './build.ts';

type Row = [name: string, input: Bytes, code: FormatCode, path: string];

const V3 = hex('a003020102');
const EXTENSIONS = tagged(3, extensionList([raw('1.2.3', '0500')]));
const VALUE = 'certificate.tbs.extensions[0].value';

const CERTIFICATES: Row[] = [
  ['nothing', hex(''), 'DER_TRUNCATED', 'certificate'],
  ['one octet', hex('30'), 'DER_TRUNCATED', 'certificate'],
  ['a length that promises more', hex('3082ffff'), 'DER_TRUNCATED', 'certificate'],
  ['a length that ends early', hex('3083ff'), 'DER_TRUNCATED', 'certificate'],
  ['an indefinite length', hex('30800000'), 'DER_LENGTH', 'certificate'],
  ['a length of five octets', hex('30850000000001'), 'DER_LENGTH', 'certificate'],
  ['a padded length', hex('308103020101'), 'DER_LENGTH', 'certificate'],
  ['a length with a leading zero', hex('3082000302010130'), 'DER_LENGTH', 'certificate'],
  ['a SET', hex('3100'), 'DER_TAG', 'certificate'],
  ['a tag number above 30', hex('3f2000'), 'DER_TAG', 'certificate'],
  ['an empty SEQUENCE', hex('3000'), 'DER_TAG', 'certificate.tbs'],
  ['a trailing byte', new Uint8Array([...certificate(), 0]), 'DER_TRAILING', 'certificate'],
  ['version 1 written out', certificateOf(hex('a003020100')), 'DER_VALUE', 'certificate.tbs.version'],
  ['version 4', certificateOf(hex('a003020103')), 'X509_VERSION', 'certificate.tbs.version'],
  ['extensions in version 1', certificateOf(hex(''), EXTENSIONS), 'X509_VERSION', 'certificate.tbs.extensions'],
  [
    'extensions in version 2',
    certificateOf(hex('a003020101'), EXTENSIONS),
    'X509_VERSION',
    'certificate.tbs.extensions',
  ],
  [
    'a unique identifier in version 1',
    certificateOf(hex(''), hex('810200ff')),
    'X509_VERSION',
    'certificate.tbs.issuerUniqueId',
  ],
  ['extensions twice', certificateOf(V3, EXTENSIONS, EXTENSIONS), 'DER_TRAILING', 'certificate.tbs'],
  ['no extension in the list', certificateOf(V3, tagged(3, hex('3000'))), 'X509_INVALID', 'certificate.tbs.extensions'],
  [
    'an explicit critical FALSE',
    certificateOf(V3, tagged(3, hex('300d 300b 0603 2a0304 010100 0401 00'))),
    'DER_VALUE',
    'certificate.tbs.extensions[0].critical',
  ],
  [
    'a TRUE of 0x01',
    certificateOf(V3, tagged(3, hex('300d 300b 0603 2a0304 010101 0401 00'))),
    'DER_VALUE',
    'certificate.tbs.extensions[0].critical',
  ],
  [
    'an extension twice',
    certificate({ extensions: [raw('1.2.3', '00'), raw('1.2.4', '00'), raw('1.2.3', '')] }),
    'X509_DUPLICATE_EXTENSION',
    'certificate.tbs.extensions[2].id',
  ],
  [
    '129 extensions',
    certificate({ extensions: Array.from({ length: 129 }, (_, i) => raw(`1.2.${i}`, '')) }),
    'DER_LIMIT',
    'certificate.tbs.extensions[128]',
  ],
  [
    'another outer algorithm',
    encodeCertificate(encodeTbsCertificate(FIELDS), createAlgorithm(OID.ed448), SIGNATURE),
    'X509_ALGORITHM',
    'certificate.signatureAlgorithm',
  ],
  [
    'the same algorithm with NULL outside',
    encodeCertificate(encodeTbsCertificate(FIELDS), createAlgorithm(OID.ed25519, 'null'), SIGNATURE),
    'X509_ALGORITHM',
    'certificate.signatureAlgorithm',
  ],
  [
    'a signature with unused bits',
    der((to) =>
      to
        .open(Tag.SEQUENCE)
        .raw(encodeTbsCertificate(FIELDS))
        .raw(ED25519.raw)
        .primitive(Tag.BIT_STRING, hex('0110'))
        .close(),
    ),
    'DER_VALUE',
    'certificate.signature',
  ],
  [
    'a key with unused bits',
    certificate({ publicKey: { raw: sequence(ED25519.raw, hex('03020180')) } }),
    'DER_VALUE',
    'certificate.tbs.publicKey.key',
  ],
  [
    'parameters that are no DER',
    certificate({ publicKey: { raw: sequence(hex('3008 0603 2b6570 010101'), hex('030100')) } }),
    'DER_VALUE',
    'certificate.tbs.publicKey.algorithm.parameters',
  ],
  [
    'parameters in BER',
    certificate({ publicKey: { raw: sequence(hex('300b 0603 2b6570 2404 0402 0101'), hex('030100')) } }),
    'DER_TAG',
    'certificate.tbs.publicKey.algorithm.parameters',
  ],
  [
    'a padded component of an identifier',
    certificateOf(V3, tagged(3, hex('300b 3009 0604 2a800304 0401 00'))),
    'DER_VALUE',
    'certificate.tbs.extensions[0].id',
  ],
  [
    'an unfinished identifier',
    certificateOf(V3, tagged(3, hex('3009 3007 0602 2a83 0401 00'))),
    'DER_VALUE',
    'certificate.tbs.extensions[0].id',
  ],
];

const TIMES: Row[] = [
  [
    'a time without seconds',
    certificateAt('170b323630313031303030305a'),
    'DER_VALUE',
    'certificate.tbs.validity.notBefore',
  ],
  [
    'a time zone',
    certificateAt('1711 3236303130313030303030302b30303030'),
    'DER_VALUE',
    'certificate.tbs.validity.notBefore',
  ],
  ['30 February', certificateAt('170d3236303233303030303030305a'), 'DER_VALUE', 'certificate.tbs.validity.notBefore'],
  [
    '29 February of a common year',
    certificateAt('170d3236303232393030303030305a'),
    'DER_VALUE',
    'certificate.tbs.validity.notBefore',
  ],
  ['month 13', certificateAt('170d3236313330313030303030305a'), 'DER_VALUE', 'certificate.tbs.validity.notBefore'],
  ['hour 24', certificateAt('170d3236303130313234303030305a'), 'DER_VALUE', 'certificate.tbs.validity.notBefore'],
  ['second 60', certificateAt('170d3236303130313030303036305a'), 'DER_VALUE', 'certificate.tbs.validity.notBefore'],
  [
    'fractions of a second',
    certificateAt('1811 32303531303130313030303030302e355a'),
    'DER_VALUE',
    'certificate.tbs.validity.notBefore',
  ],
  [
    'a letter for a digit',
    certificateAt('170d3236303130413030303030305a'),
    'DER_VALUE',
    'certificate.tbs.validity.notBefore',
  ],
];

const NAMES: Row[] = [
  ['an RDN without attributes', certificateFor('3100'), 'X509_NAME', 'certificate.tbs.subject[0]'],
  [
    'an RDN out of order',
    certificateFor('3114 3008 0603 550404 0c0141 3008 0603 550403 0c0141'),
    'DER_VALUE',
    'certificate.tbs.subject[0][1]',
  ],
  [
    'an attribute twice',
    certificateFor('3114 3008 0603 550403 0c0141 3008 0603 550403 0c0141'),
    'DER_VALUE',
    'certificate.tbs.subject[0][1]',
  ],
  ['an empty text', commonName(Tag.UTF8_STRING, ''), 'X509_NAME', 'certificate.tbs.subject[0][0].value'],
  ['overlong UTF-8', commonName(Tag.UTF8_STRING, 'c080'), 'X509_NAME', 'certificate.tbs.subject[0][0].value'],
  ['a surrogate in UTF-8', commonName(Tag.UTF8_STRING, 'eda080'), 'X509_NAME', 'certificate.tbs.subject[0][0].value'],
  ['cut UTF-8', commonName(Tag.UTF8_STRING, 'e282'), 'X509_NAME', 'certificate.tbs.subject[0][0].value'],
  [
    'a star in a PrintableString',
    commonName(Tag.PRINTABLE_STRING, '2a'),
    'X509_NAME',
    'certificate.tbs.subject[0][0].value',
  ],
  ['Latin-1 in an IA5String', commonName(Tag.IA5_STRING, 'e4'), 'X509_NAME', 'certificate.tbs.subject[0][0].value'],
  [
    'a letter in a NumericString',
    commonName(Tag.NUMERIC_STRING, '41'),
    'X509_NAME',
    'certificate.tbs.subject[0][0].value',
  ],
  [
    'a surrogate in a BMPString',
    commonName(Tag.BMP_STRING, 'd800'),
    'X509_NAME',
    'certificate.tbs.subject[0][0].value',
  ],
  [
    'half a character in a BMPString',
    commonName(Tag.BMP_STRING, '004100'),
    'X509_NAME',
    'certificate.tbs.subject[0][0].value',
  ],
  [
    'a character beyond Unicode',
    commonName(Tag.UNIVERSAL_STRING, '00110000'),
    'X509_NAME',
    'certificate.tbs.subject[0][0].value',
  ],
];

const EXTENSION_VALUES: Row[] = [
  ['basic constraints with FALSE', withExtension(OID.basicConstraints, '3003010100'), 'DER_VALUE', `${VALUE}.cA`],
  ['a path length without CA', withExtension(OID.basicConstraints, '3003020100'), 'X509_INVALID', `${VALUE}.pathLen`],
  ['a negative path length', withExtension(OID.basicConstraints, '30060101ff0201ff'), 'DER_VALUE', `${VALUE}.pathLen`],
  ['a padded path length', withExtension(OID.basicConstraints, '30070101ff02020001'), 'DER_VALUE', `${VALUE}.pathLen`],
  [
    'an enormous path length',
    withExtension(OID.basicConstraints, '300a0101ff02050080000000'),
    'DER_VALUE',
    `${VALUE}.pathLen`,
  ],
  ['something after basic constraints', withExtension(OID.basicConstraints, '30000500'), 'DER_TRAILING', VALUE],
  ['a key usage that allows nothing', withExtension(OID.keyUsage, '030100'), 'X509_INVALID', VALUE],
  ['a key usage of zero bits', withExtension(OID.keyUsage, '03020000'), 'DER_VALUE', VALUE],
  ['a key usage with trailing zero bits', withExtension(OID.keyUsage, '03020080'), 'DER_VALUE', VALUE],
  ['a key usage with unused bits set', withExtension(OID.keyUsage, '030207ff'), 'DER_VALUE', VALUE],
  ['a tenth key usage', withExtension(OID.keyUsage, '0303060040'), 'DER_VALUE', VALUE],
  ['eight unused bits', withExtension(OID.keyUsage, '03020880'), 'DER_VALUE', VALUE],
  ['no purpose', withExtension(OID.extendedKeyUsage, '3000'), 'X509_INVALID', VALUE],
  ['no name', withExtension(OID.subjectAltName, '3000'), 'X509_INVALID', VALUE],
  ['an IP address of 5 octets', withExtension(OID.subjectAltName, '300787050102030405'), 'X509_INVALID', `${VALUE}[0]`],
  [
    'an IP address with a mask',
    withExtension(OID.subjectAltName, '300a87080a000000ff000000'),
    'X509_INVALID',
    `${VALUE}[0]`,
  ],
  ['a DNS name that is no IA5 text', withExtension(OID.subjectAltName, '30038201e4'), 'X509_NAME', `${VALUE}[0]`],
  ['a tenth form of name', withExtension(OID.subjectAltName, '3003890161'), 'DER_TAG', `${VALUE}[0]`],
  [
    'an other name without a value',
    withExtension(OID.subjectAltName, '3007a00506032a0304'),
    'DER_TAG',
    `${VALUE}[0].value`,
  ],
  [
    'a directory name with a tail',
    withExtension(OID.subjectAltName, '3006a40430000500'),
    'DER_TRAILING',
    `${VALUE}[0]`,
  ],
  ['name constraints without any', withExtension(OID.nameConstraints, '3000'), 'X509_INVALID', VALUE],
  ['no subtree', withExtension(OID.nameConstraints, '3002a000'), 'X509_INVALID', `${VALUE}.permitted`],
  [
    'a subtree with a minimum',
    withExtension(OID.nameConstraints, '300aa0083006820161800101'),
    'X509_INVALID',
    `${VALUE}.permitted[0]`,
  ],
  [
    'an IP constraint of 4 octets',
    withExtension(OID.nameConstraints, '300aa0083006 87040a000000'),
    'X509_INVALID',
    `${VALUE}.permitted[0].base`,
  ],
  [
    'a mask with a hole',
    withExtension(OID.nameConstraints, '300ea10c300a 87080a000000ff00ff00'),
    'X509_INVALID',
    `${VALUE}.excluded[0].base`,
  ],
  [
    'a mask with a hole in an octet',
    withExtension(OID.nameConstraints, '300ea10c300a 87080a000000fd000000'),
    'X509_INVALID',
    `${VALUE}.excluded[0].base`,
  ],
  ['no policy', withExtension(OID.certificatePolicies, '3000'), 'X509_INVALID', VALUE],
  [
    'a policy twice',
    withExtension(OID.certificatePolicies, '300c 3004 06022a03 3004 06022a03'),
    'X509_INVALID',
    `${VALUE}[1].id`,
  ],
  [
    'no qualifier',
    withExtension(OID.certificatePolicies, '3008 3006 06022a03 3000'),
    'X509_INVALID',
    `${VALUE}[0].qualifiers`,
  ],
  ['no mapping', withExtension(OID.policyMappings, '3000'), 'X509_INVALID', VALUE],
  ['policy constraints without any', withExtension(OID.policyConstraints, '3000'), 'X509_INVALID', VALUE],
  [
    'a negative skip count',
    withExtension(OID.policyConstraints, '30038001ff'),
    'DER_VALUE',
    `${VALUE}.requireExplicitPolicy`,
  ],
  ['a negative inhibit count', withExtension(OID.inhibitAnyPolicy, '0201ff'), 'DER_VALUE', VALUE],
  ['no access description', withExtension(OID.authorityInfoAccess, '3000'), 'X509_INVALID', VALUE],
  ['no distribution point', withExtension(OID.crlDistributionPoints, '3000'), 'X509_INVALID', VALUE],
  [
    'a distribution point of reasons only',
    withExtension(OID.crlDistributionPoints, '3006300481020640'),
    'X509_INVALID',
    `${VALUE}[0]`,
  ],
  [
    'a point without a name',
    withExtension(OID.crlDistributionPoints, '30063004a002a000'),
    'X509_INVALID',
    `${VALUE}[0].point.full`,
  ],
  [
    'reasons with trailing zero bits',
    withExtension(OID.crlDistributionPoints, '300e300c a006a0048602 6161 81020040'),
    'DER_VALUE',
    `${VALUE}[0].reasons`,
  ],
  [
    'a key identifier with an issuer and no serial',
    withExtension(OID.authorityKeyIdentifier, '3005a103820161'),
    'X509_INVALID',
    VALUE,
  ],
  ['no attribute', withExtension(OID.subjectDirectoryAttributes, '3000'), 'X509_INVALID', VALUE],
  ['a nocheck with content', withExtension(OID.ocspNoCheck, '050100'), 'DER_VALUE', VALUE],
];

const SIGNATURES: [name: string, value: string][] = [
  ['nothing', ''],
  ['r of zero', '3006 020100 020101'],
  ['s of zero', '3006 020101 020100'],
  ['a negative r', '3006 0201ff 020101'],
  ['a padded r', '3007 02020001 020101'],
  ['an empty s', '3005 020101 0200'],
  ['only r', '3003 020101'],
  ['a third number', '3009 020101 020101 020101'],
  ['a trailing byte', '3006 020101 020101 00'],
  ['a padded length', '308106 020101 020101'],
  ['a length that promises more', '3006 020101 020201'],
];

const ENTRY = sequence(entry(1));

const CRLS: Row[] = [
  ['version 1 written out', crlOf('020100'), 'X509_VERSION', 'crl.tbs.version'],
  ['version 3', crlOf('020102'), 'X509_VERSION', 'crl.tbs.version'],
  ['an empty list of entries', crlOf('020101', hex('3000')), 'X509_INVALID', 'crl.tbs.revoked'],
  [
    'extensions in version 1',
    crlOf('', ENTRY, tagged(0, extensionList([extension.crlNumber(1)]))),
    'X509_VERSION',
    'crl.tbs.extensions',
  ],
  [
    'extensions of an entry in version 1',
    crlOf('', sequence(entry(1, extension.reasonCode('superseded')))),
    'X509_VERSION',
    'crl.tbs.revoked[0].extensions',
  ],
  [
    'a serial twice',
    crl([
      { serial: hex('0a'), revokedAt: FROM },
      { serial: hex('0b'), revokedAt: FROM },
      { serial: hex('0a'), revokedAt: FROM },
    ]),
    'X509_INVALID',
    'crl.tbs.revoked',
  ],
  [
    'reason 7',
    crlOf('020101', sequence(entry(1, raw(OID.reasonCode, '0a0107')))),
    'X509_INVALID',
    'crl.tbs.revoked[0].extensions[0].value',
  ],
  [
    'reason 11',
    crlOf('020101', sequence(entry(1, raw(OID.reasonCode, '0a010b')))),
    'X509_INVALID',
    'crl.tbs.revoked[0].extensions[0].value',
  ],
  [
    'an entry extension twice',
    crlOf('020101', sequence(entry(1, extension.reasonCode('superseded'), extension.reasonCode('superseded')))),
    'X509_DUPLICATE_EXTENSION',
    'crl.tbs.revoked[0].extensions[1].id',
  ],
  [
    'an extension twice',
    crl([], { extensions: [extension.crlNumber(1), extension.crlNumber(1)] }),
    'X509_DUPLICATE_EXTENSION',
    'crl.tbs.extensions[1].id',
  ],
  [
    'a CRL number of 21 octets',
    crl([], { extensions: [extension.crlNumber(2n ** 160n)] }),
    'DER_VALUE',
    'crl.tbs.extensions[0].value',
  ],
  [
    'a negative CRL number',
    crl([], { extensions: [extension.crlNumber(-1)] }),
    'DER_VALUE',
    'crl.tbs.extensions[0].value',
  ],
  [
    'a distribution point that says nothing',
    crl([], { extensions: [raw(OID.issuingDistributionPoint, '3000', true)] }),
    'X509_INVALID',
    'crl.tbs.extensions[0].value',
  ],
  [
    'a flag of FALSE',
    crl([], { extensions: [raw(OID.issuingDistributionPoint, '3003810100', true)] }),
    'DER_VALUE',
    'crl.tbs.extensions[0].value.onlyUserCertificates',
  ],
  [
    'only users and only CAs',
    crl([], { extensions: [raw(OID.issuingDistributionPoint, '30068101ff8201ff', true)] }),
    'X509_INVALID',
    'crl.tbs.extensions[0].value',
  ],
  ['a trailing byte', new Uint8Array([...crl([]), 0]), 'DER_TRAILING', 'crl'],
];

function requestOf(version: string, attributes: string): Bytes {
  const info = sequence(hex(version), NAME.raw, PUBLIC_KEY, hex(attributes));
  return encodeCertificate(info, ED25519, SIGNATURE);
}

const PASSWORD = '06092a864886f70d010907';
const REQUESTED = '06092a864886f70d01090e';

const REQUESTS: Row[] = [
  ['version 2', requestOf('020101', 'a000'), 'X509_VERSION', 'request.info.version'],
  ['no attributes field', requestOf('020100', ''), 'DER_TAG', 'request.info.attributes'],
  [
    'an attribute without a value',
    requestOf('020100', `a00f300d ${PASSWORD} 3100`),
    'X509_INVALID',
    'request.info.attributes[0].values',
  ],
  [
    'two challenge passwords',
    requestOf('020100', `a0153013 ${PASSWORD} 3106130161130162`),
    'X509_INVALID',
    'request.info.attributes[0].values[1]',
  ],
  [
    'an attribute twice',
    requestOf('020100', `a0243010 ${PASSWORD} 31031301613010 ${PASSWORD} 3103130161`),
    'X509_INVALID',
    'request.info.attributes[1].type',
  ],
  [
    'an empty list of extensions',
    requestOf('020100', `a011300f ${REQUESTED} 31023000`),
    'X509_INVALID',
    'request.info.attributes[0].values[0]',
  ],
];

const CERT_ID = sequence(hex('3007 0605 2b0e03021a'), hex('040101'), hex('040101'), hex('020101'));

const OCSP_REQUESTS: Row[] = [
  ['version 1 written out', hex('300a 3008 a003020100 3001 00'), 'DER_VALUE', 'ocspRequest.tbs.version'],
  ['no question', hex('3004 3002 3000'), 'X509_INVALID', 'ocspRequest.tbs.requests'],
  [
    'a hash of the wrong length',
    sequence(sequence(sequence(sequence(CERT_ID)))),
    'X509_INVALID',
    'ocspRequest.tbs.requests[0].certId.issuerNameHash',
  ],
];

const OCSP_RESPONSES: Row[] = [
  ['status 4', hex('30030a0104'), 'X509_INVALID', 'ocspResponse.status'],
  ['status 7', hex('30030a0107'), 'X509_INVALID', 'ocspResponse.status'],
  ['a success without an answer', hex('30030a0100'), 'X509_INVALID', 'ocspResponse'],
  ['an error with an answer', hex('30050a0103a000'), 'X509_INVALID', 'ocspResponse'],
  ['another type of answer', hex('300c 0a0100 a007 3005 06012a 0400'), 'X509_INVALID', 'ocspResponse.bytes.type'],
];

const SIGNED_DATA = '06092a864886f70d010702';
const DATA = '300b 06092a864886f70d010701';

const CMS: Row[] = [
  ['data that is not signed', hex('300d 06092a864886f70d010701 a000'), 'CMS_INVALID', 'cms.contentType'],
  ['version 3', hex(`3023 ${SIGNED_DATA} a016 3014 020103 3100 ${DATA} 3100`), 'CMS_INVALID', 'cms.content.version'],
  [
    'an algorithm',
    hex(`3025 ${SIGNED_DATA} a018 3016 020101 3102 0500 ${DATA} 3100`),
    'CMS_INVALID',
    'cms.content.digestAlgorithms',
  ],
  [
    'a signer',
    hex(`3025 ${SIGNED_DATA} a018 3016 020101 3100 ${DATA} 3102 0500`),
    'CMS_INVALID',
    'cms.content.signerInfos',
  ],
  [
    'content',
    hex(`3027 ${SIGNED_DATA} a01a 3018 020101 3100 300f 06092a864886f70d010701 a0020400 3100`),
    'CMS_INVALID',
    'cms.content.encapContentInfo',
  ],
];

function table(title: string, parse: (der: Bytes) => unknown, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [name, input, code, path] of rows) it(`refuses ${name}`, () => refuses(() => parse(input), code, path));
  });
}

describe('malformed input', () => {
  table('certificates, RFC 5280 §4.1', decodeCertificate, CERTIFICATES);
  table('times, RFC 5280 §4.1.2.5', decodeCertificate, TIMES);
  table('names, RFC 5280 §4.1.2.4', decodeCertificate, NAMES);
  table('extensions, RFC 5280 §4.2', decodeCertificate, EXTENSION_VALUES);
  table('CRLs, RFC 5280 §5', decodeCertificateList, CRLS);
  table('requests, RFC 2986 §4', decodeCertificationRequest, REQUESTS);
  table('OCSP requests, RFC 6960 §4.1', decodeOcspRequest, OCSP_REQUESTS);
  table('OCSP responses, RFC 6960 §4.2', decodeOcspResponse, OCSP_RESPONSES);
  table('certs-only CMS, RFC 5652 §5', decodeCertsOnly, CMS);
  table(
    'ECDSA signatures, RFC 3279 §2.2.3',
    decodeCertificate,
    SIGNATURES.map(([name, value]) => [
      name,
      encodeCertificate(encodeTbsCertificate({ ...FIELDS, signatureAlgorithm: ECDSA }), ECDSA, hex(value)),
      'X509_SIGNATURE',
      'certificate.signature',
    ]),
  );

  it('refuses to make a name that its string type cannot hold', () => {
    refuses(() => createName([{ type: 'countryName', value: 'D*' }]), 'X509_NAME');
    refuses(() => createName([{ type: 'domainComponent', value: 'ä' }]), 'X509_NAME');
    refuses(() => createName([{ type: 'commonName', value: '\ud800' }]), 'X509_NAME');
    refuses(() => createName([{ type: 'commonName', value: '' }]), 'X509_NAME');
  });
});
