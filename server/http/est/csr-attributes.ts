import { type Bytes, type Certificate, DerWriter, explicit, OID, Tag } from '@licet/format';

/** RFC 9908 §3.4 */
const REQUEST_TEMPLATE = '1.2.840.113549.1.9.16.2.61';
const FIRST_VERSION = 0;

export type WantedAttributes = {
  readonly channelBinding: boolean;
  /** The license that asks, if one does: what its renewal has to be named. */
  readonly license: Certificate | undefined;
};

/**
 * What a request should look like, RFC 7030 §4.5.2 as RFC 9908 has it. First what everybody reads: the channel binding
 * where it is demanded, the kind of key that we like best, and, for a site that shows its license, the names that the
 * request must carry as an extensionRequest with values (§3.2). Then the same as a template (§3.4), which also says the
 * subject, for who knows it; others skip what they do not know.
 */
export function csrAttributes({ channelBinding, license }: WantedAttributes): Bytes {
  const names = license?.extensions.all.find(({ oid }) => oid === OID.subjectAltName);
  const extensions = names && sequence((to) => to.raw(extensionOf(names.oid, names.value)));
  const writer = new DerWriter().open(Tag.SEQUENCE);
  if (channelBinding) writer.oid(OID.challengePassword);
  writer.raw(attribute(OID.ecPublicKey, (to) => to.oid(OID.p256))).oid(OID.ecdsaWithSha256);
  if (extensions !== undefined) writer.raw(attribute(OID.extensionRequest, (to) => to.raw(extensions)));
  if (license !== undefined && extensions !== undefined) {
    writer.raw(attribute(REQUEST_TEMPLATE, (to) => to.raw(template(license, extensions))));
  }
  return writer.close().finish();
}

/** CertificationRequestInfoTemplate; its [0] and [1] are implicit. */
function template({ subject }: Certificate, extensions: Bytes): Bytes {
  return sequence((to) =>
    to
      .integer(FIRST_VERSION)
      .raw(subject.raw)
      .open(explicit(0))
      .open(Tag.SEQUENCE)
      .oid(OID.ecPublicKey)
      .oid(OID.p256)
      .close()
      .close()
      .open(explicit(1))
      .raw(attribute(OID.extensionRequest, (inner) => inner.raw(extensions)))
      .close(),
  );
}

function extensionOf(oid: string, value: Bytes): Bytes {
  return sequence((to) => to.oid(oid).octetString(value));
}

function attribute(oid: string, write: (writer: DerWriter) => DerWriter): Bytes {
  return sequence((to) => write(to.oid(oid).open(Tag.SET)).close());
}

function sequence(write: (writer: DerWriter) => DerWriter): Bytes {
  return write(new DerWriter(256).open(Tag.SEQUENCE)).close().finish();
}
