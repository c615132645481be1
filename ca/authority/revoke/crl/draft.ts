import { hash } from 'node:crypto';
import {
  type Bytes,
  type Certificate,
  type CertificateList,
  CertificateListWriter,
  decodeCertificate,
  decodeCertificateList,
  encodeCertificate,
  encodeCertificateList,
  encodeTbsCertificate,
  extension,
  type RawExtension,
} from '@licet/format';
import { checkCrlSync } from '@licet/verify';
import { PLACEHOLDERS, SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { KeyAlgorithm } from '../../ports/signer.ts';
import { unpackEntries } from './entries.ts';

/** Everything but the entries. Plain data: it goes to another thread. */
export type CrlHead = {
  /** The certificate of the issuer, DER. */
  readonly issuer: Uint8Array;
  readonly algorithm: KeyAlgorithm;
  /** As it stands in the certificates of the shard, byte for byte. */
  readonly address: string;
  /** The issuer has no other list, so this one needs no scope: it speaks of all, and of a root itself. */
  readonly isWhole: boolean;
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly expectedEntries: number;
};

export type Judgement = {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly entries: number;
  readonly sha256: Uint8Array;
  /** Why it must not be published; undefined: nothing was found. */
  readonly defect: string | undefined;
  /** What of the CRL before is not in this one. Somebody who knows the certificates must say why. */
  readonly lost: readonly LostEntry[];
};

export type LostEntry = { readonly serial: Uint8Array; readonly held: boolean };

/** One CRL in the making: head, entries page by page, bytes to be signed, then the proof. RFC 5280 §5. */
export class CrlDraft {
  readonly #head: CrlHead;
  readonly #issuer: Certificate;
  #writer: CertificateListWriter | undefined;
  #entries = 0;

  constructor(head: CrlHead) {
    this.#head = head;
    this.#issuer = decodeCertificate(head.issuer);
    const { algorithm, address, isWhole, number, thisUpdate, nextUpdate, expectedEntries } = head;
    this.#writer = new CertificateListWriter(
      {
        signatureAlgorithm: { raw: SIGNATURE_ALGORITHMS[algorithm] },
        issuer: this.#issuer.subject,
        thisUpdate,
        nextUpdate,
        extensions: [
          extension.authorityKeyIdentifier({ keyIdentifier: this.#issuer.extensions.subjectKeyIdentifier! }),
          extension.crlNumber(number),
          ...(isWhole ? [] : [scopeOf(address)]),
        ],
      },
      expectedEntries,
    );
  }

  add(packed: Uint8Array): void {
    for (const entry of unpackEntries(packed)) {
      this.#writer!.add(entry);
      this.#entries += 1;
    }
  }

  /** The bytes to be signed. Nothing can be added any more. */
  finish(): Uint8Array<ArrayBuffer> {
    const tbs = this.#writer!.finish();
    this.#writer = undefined;
    return tbs;
  }

  /** Puts the signature to the bytes, reads the result as a stranger does, and compares it with the CRL in force. */
  judge(tbs: Uint8Array, signature: Uint8Array, previous: Uint8Array | undefined): Judgement {
    const der = encodeCertificateList(tbs, { raw: SIGNATURE_ALGORITHMS[this.#head.algorithm] }, signature);
    const facts = { der, entries: this.#entries, sha256: hash('sha256', der, 'buffer') };
    const crl = decodeCertificateList(der);
    const defect = this.#defect(crl);
    if (defect !== undefined || previous === undefined) return { ...facts, defect, lost: [] };
    const before = decodeCertificateList(previous);
    return { ...facts, defect: regression(crl, before), lost: lostEntries(crl, before) };
  }

  #defect(crl: CertificateList): string | undefined {
    if (crl.entryCount !== this.#entries) return `it has ${crl.entryCount} entries instead of ${this.#entries}`;
    const { thisUpdate } = this.#head;
    for (const [serial, expected] of probes(crl)) {
      const result = checkCrlSync(crl, { cert: this.#probe(serial), issuer: this.#issuer, at: thisUpdate });
      if (result.status !== expected) {
        return `our own verifier finds a certificate ${result.status} that is ${expected} (${result.detail})`;
      }
    }
    return undefined;
  }

  /** A certificate as those of this shard are, without a signature: nobody asks for it where a CRL is judged. */
  #probe(serial: Bytes): Certificate {
    const { algorithm, address, thisUpdate, nextUpdate } = this.#head;
    const signatureAlgorithm = { raw: SIGNATURE_ALGORITHMS[algorithm] };
    const tbs = encodeTbsCertificate({
      serial,
      signatureAlgorithm,
      issuer: this.#issuer.subject,
      notBefore: thisUpdate,
      notAfter: nextUpdate,
      subject: this.#issuer.subject,
      publicKey: this.#issuer.publicKey,
      extensions: [extension.crlDistributionPoints([address])],
    });
    return decodeCertificate(encodeCertificate(tbs, signatureAlgorithm, PLACEHOLDERS[algorithm]));
  }
}

/** §5.2.5: the same name as in the certificates, or the list speaks of none of them. */
function scopeOf(address: string): RawExtension {
  return extension.issuingDistributionPoint({ point: { kind: 'full', names: [{ kind: 'uri', value: address }] } });
}

/** A serial that we never use stands for what is not revoked; of the revoked the first stands for all. */
function* probes(crl: CertificateList): Generator<readonly [serial: Bytes, expected: 'good' | 'revoked']> {
  yield [Uint8Array.of(1), 'good'];
  for (const { serial } of crl.entries()) {
    yield [serial, 'revoked'];
    return;
  }
}

function regression(crl: CertificateList, before: CertificateList): string | undefined {
  if ((crl.extensions.crlNumber ?? 0n) <= (before.extensions.crlNumber ?? 0n)) {
    return `its number is not above ${before.extensions.crlNumber}: the clock of this server is behind`;
  }
  if (crl.thisUpdate < before.thisUpdate) {
    return `it would be older than the CRL of ${before.thisUpdate.toISOString()}: the clock of this server is behind`;
  }
  return undefined;
}

function lostEntries(crl: CertificateList, before: CertificateList): LostEntry[] {
  const lost: LostEntry[] = [];
  for (const { serial, reason } of before.entries()) {
    const held = reason === 'certificateHold';
    const found = crl.find(serial);
    // What was revoked for good and is now only suspended could be undone: that is as bad as lost.
    const isSofter = !held && found?.reason === 'certificateHold';
    if (found === undefined || isSofter) lost.push({ serial: serial.slice(), held });
  }
  return lost;
}
