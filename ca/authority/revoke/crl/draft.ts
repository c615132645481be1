import { createHash, hash } from 'node:crypto';
import {
  type Bytes,
  type Certificate,
  type CertificateList,
  CertificateListWriter,
  CrlEntryScanner,
  decodeCertificate,
  decodeCertificateList,
  encodeCertificate,
  encodeTbsCertificate,
  equalBytes,
  extension,
  type RawExtension,
  sealCertificateList,
} from '@licet/format';
import { checkCrlSync } from '@licet/verify';
import { PLACEHOLDERS, SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { PublishedCrl } from '../../ports/revocation-store.ts';
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
  /** Nothing on it is later than that, whatever a clock that was ahead has written. */
  readonly madeAt: Date;
  /** Or the time of the latest revocation on it, should that be later. */
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly expectedEntries: number;
};

export type Judgement = {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly entries: number;
  readonly sha256: Uint8Array;
  readonly thisUpdate: Date;
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
  #latest = new Date(0);
  #proven: { der: Uint8Array<ArrayBuffer>; crl: CertificateList; defect: string | undefined } | undefined;
  readonly #scanner = new CrlEntryScanner();
  readonly #before = createHash('sha256');
  readonly #lost: LostEntry[] = [];

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
    const { madeAt } = this.#head;
    for (const entry of unpackEntries(packed)) {
      const revokedAt = entry.revokedAt > madeAt ? madeAt : entry.revokedAt;
      this.#writer!.add(revokedAt === entry.revokedAt ? entry : { ...entry, revokedAt });
      this.#entries += 1;
      if (revokedAt > this.#latest) this.#latest = revokedAt;
    }
  }

  /** The bytes to be signed. Nothing can be added any more. */
  finish(): Uint8Array<ArrayBuffer> {
    // A list from before a revocation cannot know of it, and linters say so.
    if (this.#latest > this.#head.thisUpdate) this.#writer!.setThisUpdate(this.#latest);
    const tbs = this.#writer!.finish();
    this.#writer = undefined;
    return tbs;
  }

  /** Puts the signature to the bytes, which are used up then, and reads the result as a stranger does. */
  prove(tbs: Uint8Array<ArrayBuffer>, signature: Uint8Array): void {
    const der = sealCertificateList(tbs, { raw: SIGNATURE_ALGORITHMS[this.#head.algorithm] }, signature);
    const crl = decodeCertificateList(der);
    this.#proven = { der, crl, defect: this.#defect(crl) };
  }

  /** One part of the CRL in force, in order: what of it is not in the new one is lost. */
  compare(part: Uint8Array): void {
    const { crl } = this.#proven!;
    this.#before.update(part);
    for (const { serial, reason } of this.#scanner.push(part)) {
      const held = reason === 'certificateHold';
      const found = crl.find(serial);
      // What was revoked for good and is now only suspended could be undone: that is as bad as lost.
      const isSofter = !held && found?.reason === 'certificateHold';
      if (found === undefined || isSofter) this.#lost.push({ serial: serial.slice(), held });
    }
  }

  conclude(previous: PublishedCrl | undefined): Judgement {
    const { der, crl, defect } = this.#proven!;
    const { thisUpdate } = crl;
    const facts = { der, entries: this.#entries, sha256: hash('sha256', der, 'buffer'), thisUpdate };
    if (defect !== undefined || previous === undefined) return { ...facts, defect, lost: [] };
    this.#scanner.finish();
    return {
      ...facts,
      defect: regression(crl, previous, this.#head.madeAt) ?? this.#damage(previous),
      lost: this.#lost,
    };
  }

  /** What was compared with was checked when it was published, and must still be that. */
  #damage({ sha256 }: PublishedCrl): string | undefined {
    if (equalBytes(this.#before.digest(), sha256)) return undefined;
    return 'the CRL in force was damaged in the database, so nobody can say what was on it: restore its parts';
  }

  #defect(crl: CertificateList): string | undefined {
    if (crl.entryCount !== this.#entries) return `it has ${crl.entryCount} entries instead of ${this.#entries}`;
    const { thisUpdate } = crl;
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

function regression(crl: CertificateList, before: PublishedCrl, madeAt: Date): string | undefined {
  if ((crl.extensions.crlNumber ?? 0n) <= before.number) {
    return `its number is not above ${before.number}: the clock of this server is behind`;
  }
  // What is from the future is followed when an operator has said so (`acceptClock`), and then by what is older.
  if (crl.thisUpdate < before.thisUpdate && before.thisUpdate <= madeAt) {
    return `it would be older than the CRL of ${before.thisUpdate.toISOString()}: the clock of this server is behind`;
  }
  return undefined;
}
