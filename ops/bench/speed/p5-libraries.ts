import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import {
  CertificateListWriter,
  createName,
  decodeCertificateList,
  encodeCertificateList,
  extension,
  fromHex,
  toHex,
} from '@licet/format';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Row } from '../row.ts';

/** About as many as they can read at all: asn1js stops at 10,000 elements. */
const ENTRIES = 1000;
const ROUNDS = 7;
const NOW = new Date('2026-11-21T12:00:00Z');
const UNTIL = new Date('2026-11-28T12:00:00Z');
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

type Contestant = { readonly name: string; readonly once: () => unknown };

/** P5, beside the libraries: a CRL built, signed and read again, in one process and without a database. */
export async function run(): Promise<readonly Row[]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']);
  const serials = Array.from({ length: ENTRIES }, (_, i) => serialOf(i));
  const contestants: Contestant[] = [
    { name: 'ours', once: () => ours(serials, privateKey) },
    { name: 'pkijs', once: () => withPkijs(serials, key) },
    { name: '@peculiar/x509', once: () => peculiar(serials, key) },
  ];
  const rows: Row[] = [];
  for (const { name, once } of contestants) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      await once();
      times.push(performance.now() - start);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const shown = (ms: number) => `${ms.toFixed(1)} ms`;
    rows.push({
      id: 'P5',
      what: `CRL of ${ENTRIES.toLocaleString('en')} built, signed and read in process: ${name}`,
      bar: '',
      figure: shown(sorted[ROUNDS >> 1]!),
      spread: `${shown(sorted[0]!)} to ${shown(sorted.at(-1)!)}`,
      pass: true,
    });
  }
  return rows;
}

function serialOf(i: number): Uint8Array {
  const serial = new Uint8Array(17).fill(7);
  serial[0] = 1;
  new DataView(serial.buffer).setUint32(13, i);
  return serial;
}

function ours(serials: readonly Uint8Array[], key: KeyObject): void {
  const writer = new CertificateListWriter(
    {
      signatureAlgorithm: ECDSA_SHA256,
      issuer: createName([{ type: 'commonName', value: 'Acme CA' }]),
      thisUpdate: NOW,
      nextUpdate: UNTIL,
      extensions: [extension.crlNumber(1n)],
    },
    serials.length,
  );
  for (const serial of serials) writer.add({ serial, revokedAt: NOW, reason: 'superseded' });
  const tbs = writer.finish();
  const der = encodeCertificateList(tbs, ECDSA_SHA256, sign('sha256', tbs, key));
  if (decodeCertificateList(der).entryCount !== serials.length) throw new Error('entries were lost');
}

async function withPkijs(serials: readonly Uint8Array[], key: webcrypto.CryptoKey): Promise<void> {
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto }));
  const crl = new pkijs.CertificateRevocationList();
  crl.version = 1;
  const name = new asn1js.Utf8String({ value: 'Acme CA' });
  crl.issuer.typesAndValues.push(new pkijs.AttributeTypeAndValue({ type: '2.5.4.3', value: name }));
  crl.thisUpdate = new pkijs.Time({ type: 0, value: NOW });
  crl.nextUpdate = new pkijs.Time({ type: 0, value: UNTIL });
  const reason = new asn1js.Enumerated({ value: 4 }).toBER();
  crl.revokedCertificates = serials.map(
    (serial) =>
      new pkijs.RevokedCertificate({
        userCertificate: new asn1js.Integer({ valueHex: serial.slice().buffer }),
        revocationDate: new pkijs.Time({ type: 0, value: NOW }),
        crlEntryExtensions: new pkijs.Extensions({
          extensions: [new pkijs.Extension({ extnID: '2.5.29.21', extnValue: reason })],
        }),
      }),
  );
  await crl.sign(key, 'SHA-256');
  const read = pkijs.CertificateRevocationList.fromBER(crl.toSchema(true).toBER());
  if (read.revokedCertificates?.length !== serials.length) throw new Error('entries were lost');
}

async function peculiar(serials: readonly Uint8Array[], key: webcrypto.CryptoKey): Promise<void> {
  x509.cryptoProvider.set(webcrypto);
  const crl = await x509.X509CrlGenerator.create({
    issuer: 'CN=Acme CA',
    thisUpdate: NOW,
    nextUpdate: UNTIL,
    entries: serials.map((serial) => ({
      serialNumber: toHex(serial),
      revocationDate: NOW,
      reason: x509.X509CrlReason.superseded,
    })),
    signingAlgorithm: ALGORITHM,
    signingKey: key,
  });
  if (new x509.X509Crl(crl.rawData).entries.length !== serials.length) throw new Error('entries were lost');
}
