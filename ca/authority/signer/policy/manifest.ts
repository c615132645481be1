import { DerReader, Tag } from '@licet/format';
import { refuse, type BoundKey } from './bound-key.ts';

const LIMITS = { size: 64 * 1024, depth: 16, nodes: 256 };

/** RFC 5652 §11.1 to §11.3, RFC 5035 §3: what a signer may say about itself and the content, and nothing else. */
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_TIME = '1.2.840.113549.1.9.5';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
const KNOWN: readonly string[] = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE_V2];

/** SignedAttributes as the SET OF that is signed, RFC 5652 §5.4. Never a certificate: that starts with a SEQUENCE. */
export function checkManifest(key: BoundKey, bytes: Uint8Array): void {
  const reader = new DerReader(bytes, 'signedAttributes', LIMITS);
  const found = new Set<string>();
  reader.enter(Tag.SET, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    const oid = reader.oid('type');
    if (!KNOWN.includes(oid) || found.has(oid)) refuse(key, `the signed attribute ${oid} is unknown or stands twice`);
    found.add(oid);
    if (reader.peek() !== Tag.SET) refuse(key, 'the values of a signed attribute are no SET');
    reader.any('values');
    reader.leave();
  }
  reader.leave();
  reader.finish();
  if (!found.has(CONTENT_TYPE) || !found.has(MESSAGE_DIGEST)) {
    refuse(key, 'the signed attributes lack the content type or the message digest');
  }
}
