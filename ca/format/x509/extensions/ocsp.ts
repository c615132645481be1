import type { DerReader } from '../../der/reader.ts';
import { DerWriter } from '../../der/writer.ts';
import { OID } from '../../oids.ts';
import type { Bytes, RawExtension } from '../types.ts';
import { readExtensions, type ExtensionReader } from './raw.ts';

// RFC 9654 §2.1: "a length between 1 octet and 128 octets".
const MAX_NONCE = 128;

type Target = { nonce?: Bytes };

const KNOWN = new Map<string, ExtensionReader<Target>>([
  [OID.ocspNonce, (reader, to) => (to.nonce = readNonce(reader))],
]);

function readNonce(reader: DerReader): Bytes {
  const nonce = reader.octetString('');
  if (nonce.length === 0 || nonce.length > MAX_NONCE) {
    reader.fail('X509_INVALID', '', `is a nonce of ${nonce.length} octets, it must have 1 to ${MAX_NONCE}`);
  }
  return nonce;
}

/** The extensions of an OCSP message under `tag`, of which only the nonce (RFC 9654) is read. */
export function readOcspExtensions(
  reader: DerReader,
  tag: number,
): { all: readonly RawExtension[]; nonce: Bytes | undefined } {
  if (!reader.enterIf(tag, 'extensions')) return { all: [], nonce: undefined };
  const target: Target = {};
  const all = readExtensions(reader, '', KNOWN, target);
  reader.leave();
  return { all, nonce: target.nonce };
}

export function nonceExtension(nonce: Bytes): RawExtension {
  return { oid: OID.ocspNonce, critical: false, value: new DerWriter(nonce.length + 8).octetString(nonce).finish() };
}
