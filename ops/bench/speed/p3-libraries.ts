import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, webcrypto } from 'node:crypto';
import {
  createAlgorithm,
  decodeOcspRequest,
  encodeCertId,
  encodeOcspRequest,
  encodeOcspResponse,
  encodeTbsOcspResponse,
  fromHex,
  OID,
} from '@licet/format';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Row } from '../row.ts';

const ROUNDS = 5;
const ROUND_MS = 400;
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };
const NOW = new Date('2026-11-21T12:00:00Z');
const UNTIL = new Date('2026-11-21T13:00:00Z');
const KEY_HASH = createHash('sha1').update('responder').digest();

type Contestant = { readonly name: string; readonly once: () => unknown };

/**
 * P3, beside the libraries: a request is read and its answer written and signed, in one process, without HTTP and without
 * a look at any status. @peculiar/x509 knows no OCSP.
 */
export async function run(): Promise<readonly Row[]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const requests = Array.from({ length: 100 }, makeRequest);
  let next = 0;
  const request = () => requests[next++ % requests.length]!;
  const contestants: Contestant[] = [
    { name: 'ours', once: () => ours(request(), privateKey) },
    { name: 'pkijs', once: await withPkijs(request, privateKey) },
  ];
  const costs = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const one of contestants) {
      const us = await cost(one);
      // The first round warms up.
      if (round > 0) costs.get(one.name)!.push(us);
    }
  }
  return [...costs].map(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const shown = (us: number) => `${us.toFixed(0)} µs`;
    return {
      id: 'P3',
      what: `an OCSP answer read, written and signed in process: ${name}`,
      bar: '',
      figure: shown(sorted[ROUNDS >> 1]!),
      spread: `${shown(sorted[0]!)} to ${shown(sorted.at(-1)!)}`,
      pass: true,
    };
  });
}

/** Microseconds of CPU, of all threads. */
async function cost({ once }: Contestant): Promise<number> {
  const before = process.cpuUsage();
  const end = performance.now() + ROUND_MS;
  let calls = 0;
  for (; performance.now() < end; calls += 1) {
    const result = once();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function makeRequest(): Uint8Array {
  const raw = encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha1, 'null'),
    issuerNameHash: KEY_HASH,
    issuerKeyHash: KEY_HASH,
    serial: Uint8Array.of(1, ...randomBytes(16)),
  });
  return encodeOcspRequest({ requests: [{ raw }] });
}

function ours(request: Uint8Array, key: KeyObject): Uint8Array {
  const { requests } = decodeOcspRequest(request);
  const responses = requests.map((certId) => ({
    certId,
    status: { kind: 'good' } as const,
    thisUpdate: NOW,
    nextUpdate: UNTIL,
  }));
  const tbs = encodeTbsOcspResponse({ responder: { byKey: KEY_HASH }, producedAt: NOW, responses, nonce: undefined });
  return encodeOcspResponse(tbs, ECDSA_SHA256, sign('sha256', tbs, key), []);
}

const GOOD = { idBlock: { tagClass: 3, tagNumber: 0 } };

async function withPkijs(request: () => Uint8Array, key: KeyObject): Promise<() => Promise<unknown>> {
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto }));
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const own = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']);
  return async () => {
    const asked = pkijs.OCSPRequest.fromBER(request().slice().buffer);
    const basic = new pkijs.BasicOCSPResponse();
    basic.tbsResponseData.responderID = new asn1js.OctetString({ valueHex: KEY_HASH.slice().buffer });
    basic.tbsResponseData.producedAt = NOW;
    for (const { reqCert } of asked.tbsRequest.requestList) {
      const response = new pkijs.SingleResponse({ certID: reqCert });
      response.certStatus = new asn1js.Primitive(GOOD);
      response.thisUpdate = NOW;
      response.nextUpdate = UNTIL;
      basic.tbsResponseData.responses.push(response);
    }
    await basic.sign(own, 'SHA-256');
    const answer = new pkijs.OCSPResponse({
      responseStatus: new asn1js.Enumerated({ value: 0 }),
      responseBytes: new pkijs.ResponseBytes({
        responseType: pkijs.id_PKIX_OCSP_Basic,
        response: new asn1js.OctetString({ valueHex: basic.toSchema().toBER(false) }),
      }),
    });
    return answer.toSchema().toBER(false);
  };
}
