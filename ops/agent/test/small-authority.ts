import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeCertificationRequest, encodeCertsOnly, toBase64 } from '@licet/format';
import { enterprise, makeSite, organization, root, SITE_CLAIMS } from '@licet/verify/testing';

/** From when to when a license is good that is asked for now. */
type Life = () => { readonly notBefore: Date; readonly notAfter: Date };

/** As much of an authority as a renewal needs: it gives a license to whoever asks. */
export async function openSmallAuthority(life: Life) {
  const state = { renewals: 0 };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += String(data)));
    request.on('end', () => {
      if (request.url?.endsWith('/cacerts') === true) {
        const above = [enterprise, organization, root].map(({ certificate }) => certificate);
        response.end(toBase64(encodeCertsOnly(above)));
      } else if (request.url?.endsWith('/simplereenroll') === true) {
        state.renewals += 1;
        const { publicKey } = decodeCertificationRequest(Uint8Array.from(Buffer.from(body, 'base64')));
        // What signs it is the enterprise: of the site only the public half goes in.
        const keys = { key: enterprise.key, publicKey: publicKey.raw };
        const claims = { ...SITE_CLAIMS, sequence: SITE_CLAIMS.sequence + state.renewals };
        response.end(toBase64(encodeCertsOnly([makeSite(enterprise, { ...life(), keys, claims }).certificate])));
      } else {
        response.writeHead(404).end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, state, close: () => void server.close() };
}
