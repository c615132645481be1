/** Small certificates, requests, CRLs and OCSP messages for the tests, well-formed until a test breaks them. */
import assert from 'node:assert/strict';
import {
  createAlgorithm,
  createName,
  encodeCertificate,
  encodeTbsCertificate,
  encodeTbsCertificateList,
  explicit,
  FormatError,
  fromHex,
  OID,
  Tag,
  DerWriter,
  type Bytes,
  type CrlEntryFields,
  type FormatCode,
  type RawExtension,
  type TbsCertificateFields,
  type TbsCertificateListFields,
} from '@licet/format';

export const ED25519 = createAlgorithm(OID.ed25519);
export const ECDSA = createAlgorithm(OID.ecdsaWithSha256);
export const NAME = createName([{ type: 'commonName', value: 'Test' }]);
export const FROM = new Date('2026-01-01T00:00:00Z');
export const UNTIL = new Date('2026-01-31T00:00:00Z');
export const SIGNATURE: Bytes = new Uint8Array(64).fill(1);

/** Bytes from hexadecimal digits; spaces are for the reader. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return fromHex(text.replaceAll(' ', ''));
}

export function der(write: (writer: DerWriter) => unknown): Uint8Array<ArrayBuffer> {
  const writer = new DerWriter();
  write(writer);
  return writer.finish();
}

export const PUBLIC_KEY: Bytes = der((to) =>
  to.open(Tag.SEQUENCE).raw(ED25519.raw).bitString(new Uint8Array(32)).close(),
);

export const FIELDS: TbsCertificateFields = {
  serial: Uint8Array.of(1),
  signatureAlgorithm: ED25519,
  issuer: NAME,
  notBefore: FROM,
  notAfter: UNTIL,
  subject: NAME,
  publicKey: { raw: PUBLIC_KEY },
  extensions: [],
};

export function certificate(fields: Partial<TbsCertificateFields> = {}): Bytes {
  const all = { ...FIELDS, ...fields };
  return encodeCertificate(encodeTbsCertificate(all), all.signatureAlgorithm, SIGNATURE);
}

/** A certificate with one extension, whose value is given in hexadecimal. */
export function withExtension(oid: string, value: string, critical = false): Bytes {
  return certificate({ extensions: [raw(oid, value, critical)] });
}

export function raw(oid: string, value: string, critical = false): RawExtension {
  return { oid, critical, value: hex(value) };
}

/** A certificate whose parts after the version are the given elements. */
export function certificateOf(version: Bytes, ...more: readonly Bytes[]): Bytes {
  const tbs = der((to) => {
    to.open(Tag.SEQUENCE)
      .raw(version)
      .integer(1)
      .raw(ED25519.raw)
      .raw(NAME.raw)
      .raw(validity())
      .raw(NAME.raw)
      .raw(PUBLIC_KEY);
    for (const element of more) to.raw(element);
    to.close();
  });
  return encodeCertificate(tbs, ED25519, SIGNATURE);
}

export function validity(
  notBefore = '170d3236303130313030303030305a',
  notAfter = '170d3236303133313030303030305a',
): Bytes {
  return der((to) => to.open(Tag.SEQUENCE).raw(hex(notBefore)).raw(hex(notAfter)).close());
}

/** A certificate with these two times, given as their DER. */
export function certificateAt(notBefore: string, notAfter?: string): Bytes {
  const tbs = der((to) => {
    to.open(Tag.SEQUENCE).integer(1).raw(ED25519.raw).raw(NAME.raw).raw(validity(notBefore, notAfter)).raw(NAME.raw);
    to.raw(PUBLIC_KEY).close();
  });
  return encodeCertificate(tbs, ED25519, SIGNATURE);
}

/** A certificate with this subject, given as the DER of its RDNs. */
export function certificateFor(rdns: string): Bytes {
  return certificate({ subject: { raw: der((to) => to.open(Tag.SEQUENCE).raw(hex(rdns)).close()) } });
}

/** A common name of this type and content, as a Name with one RDN. */
export function commonName(tag: number, content: string): Bytes {
  const rdn = der((to) =>
    to.open(Tag.SET).open(Tag.SEQUENCE).oid(OID.commonName).primitive(tag, hex(content)).close().close(),
  );
  return certificate({ subject: { raw: der((to) => to.open(Tag.SEQUENCE).raw(rdn).close()) } });
}

export function crl(entries: Iterable<CrlEntryFields>, fields: Partial<TbsCertificateListFields> = {}): Bytes {
  const all = {
    signatureAlgorithm: ED25519,
    issuer: NAME,
    thisUpdate: FROM,
    nextUpdate: UNTIL,
    extensions: [],
    ...fields,
  };
  return encodeCertificate(encodeTbsCertificateList(all, entries), all.signatureAlgorithm, SIGNATURE);
}

/** A CRL made of these elements, after the names and dates. `version` is DER. */
export function crlOf(version: string, ...rest: readonly Bytes[]): Bytes {
  const tbs = der((to) => {
    to.open(Tag.SEQUENCE).raw(hex(version)).raw(ED25519.raw).raw(NAME.raw);
    to.raw(hex('170d3236303130313030303030305a')).raw(hex('170d3236303133313030303030305a'));
    for (const element of rest) to.raw(element);
    to.close();
  });
  return encodeCertificate(tbs, ED25519, SIGNATURE);
}

/** One entry of a CRL with extensions, each given as its DER. */
export function entry(serial: number, ...extensions: readonly RawExtension[]): Bytes {
  return der((to) => {
    to.open(Tag.SEQUENCE).integer(serial).raw(hex('170d3236303130313030303030305a'));
    if (extensions.length > 0) to.raw(extensionList(extensions));
    to.close();
  });
}

export function sequence(...elements: readonly Bytes[]): Bytes {
  return der((to) => {
    to.open(Tag.SEQUENCE);
    for (const element of elements) to.raw(element);
    to.close();
  });
}

export function extensionList(extensions: readonly RawExtension[]): Bytes {
  return sequence(
    ...extensions.map(({ oid, critical, value }) =>
      der((to) => to.open(Tag.SEQUENCE).oid(oid).booleanDefaultFalse(critical).octetString(value).close()),
    ),
  );
}

export function tagged(n: number, content: Bytes): Bytes {
  return der((to) => to.open(explicit(n)).raw(content).close());
}

/** Asserts that `act` is refused with this code, and at this element. */
export function refuses(act: () => unknown, code: FormatCode, path?: string): void {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof FormatError, `threw ${String(error)}`);
    assert.equal(error.code, code, error.message);
    if (path !== undefined) assert.equal(error.path, path);
    return;
  }
  assert.fail(`was accepted, and should be refused with ${code}`);
}
