import assert from 'node:assert/strict';
import { makeRoot } from '@licet/verify/testing';
import { encodePem, toBase64, toHex } from '@licet/format';
import { serve, type ServeOptions, type Served } from './served.ts';
import { clientCertificate } from '../../http/client-certificate.ts';
import type { Route } from '../../http/routes.ts';

const { certificate } = makeRoot();
const PEM = encodePem('CERTIFICATE', certificate);

const ROUTES: readonly Route[] = ['GET' as const, 'POST' as const].map((method) => ({
  method,
  path: '/who',
  handle: (request, response) => void response.json(toHex(clientCertificate(request) ?? Uint8Array.of())),
}));

describe('The certificate of a TLS client that a proxy forwards', () => {
  let served: Served;
  const open = async (frame: ServeOptions): Promise<void> => {
    served = await serve({ routes: ROUTES, ...frame });
  };
  const TRUSTED = { trustProxy: ['loopback'], clientCertificateHeader: 'Client-Cert' };
  afterEach(() => served.close());

  const ask = async (value?: string, method = 'GET') => {
    const headers: Record<string, string> = value === undefined ? {} : { 'client-cert': value };
    const response = await fetch(`${served.url}/who`, { headers, method });
    return { status: response.status, answer: await response.json() };
  };
  const codeOf = async (value: string, method?: string) => {
    const { status, answer } = await ask(value, method);
    return `${status} ${(answer as { code: string }).code}`;
  };

  for (const [name, value] of [
    ['by RFC 9440', `:${toBase64(certificate)}:`],
    ['as PEM, percent-encoded', encodeURIComponent(PEM)],
  ] as const) {
    it(`is taken ${name}`, async () => {
      await open(TRUSTED);
      assert.deepEqual((await ask(value)).answer, toHex(certificate));
    });
  }

  it('is none where the proxy sends none', async () => {
    await open(TRUSTED);
    assert.deepEqual(await ask(), { status: 200, answer: '' });
  });

  it('is refused where it is no certificate', async () => {
    await open(TRUSTED);
    for (const value of ['hello', ':not base64:', '%ZZ', '%E0%A4', `:${toBase64(certificate)}:, :AAAA:`]) {
      assert.equal(await codeOf(value), '400 FORWARDED_CERTIFICATE_MALFORMED', value);
    }
  });

  it('is refused from whoever is no trusted proxy', async () => {
    await open({ ...TRUSTED, trustProxy: ['192.0.2.1'] });
    for (const method of ['GET', 'POST']) {
      assert.equal(await codeOf(encodeURIComponent(PEM), method), '403 FORWARDER_NOT_TRUSTED');
    }
    assert.deepEqual(await ask(), { status: 200, answer: '' });
  });

  it('is none where no header was named', async () => {
    await open({ trustProxy: ['loopback'] });
    assert.deepEqual((await ask(encodeURIComponent(PEM))).answer, '');
  });
});
