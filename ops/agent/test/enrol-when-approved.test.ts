import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeCertificationRequest, encodeCertsOnly, toBase64 } from '@licet/format';
import { enterprise, makeSite, NOW, organization, root } from '@licet/verify/testing';
import { enrolWhenApproved, type Waiting } from '../enrol-when-approved.ts';
import { openSite } from '../site.ts';
import { hasCode, siteFolders } from './living-site.ts';

const AUTHORITIES = toBase64(encodeCertsOnly([enterprise, organization, root].map(({ certificate }) => certificate)));

describe('A site that waits for its approval', () => {
  const newFolder = siteFolders();
  let server: Server;
  /** How the next requests for a license are answered; the last goes on. */
  let answers: ('waits' | 'is gone' | 'is approved')[];
  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url?.endsWith('/cacerts') === true) {
        response.end(AUTHORITIES);
        return;
      }
      let body = '';
      request.on('data', (data) => (body += String(data)));
      request.on('end', () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer === 'is gone') {
          response.socket?.destroy();
        } else if (answer === 'waits') {
          response.writeHead(202, { 'Retry-After': '60' }).end('Wait.');
        } else {
          const { publicKey } = decodeCertificationRequest(Uint8Array.from(Buffer.from(body, 'base64')));
          const keys = { key: enterprise.key, publicKey: publicKey.raw };
          response.end(toBase64(encodeCertsOnly([makeSite(enterprise, { keys }).certificate])));
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => void server.close());

  async function enrolled() {
    const site = await openSite(newFolder(), {});
    const told: string[] = [];
    const pauses: number[] = [];
    const waiting: Waiting = {
      now: () => NOW,
      pause: async (seconds) => void pauses.push(seconds),
      tell: (message) => void told.push(message),
    };
    const settings = { servers: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] };
    const rootFingerprint = createHash('sha256').update(root.certificate).digest('hex');
    await enrolWhenApproved(site, { settings, rootFingerprint, token: 'a token' }, waiting);
    return { site, told: told.join('\n'), pauses };
  }

  it('goes on waiting while the authority is away for a moment', async () => {
    answers = ['waits', 'is gone', 'waits', 'is approved'];
    const { site, told, pauses } = await enrolled();
    assert.notEqual(await site.store.current(), undefined);
    assert.match(told, /Wait\. The key of this request is [0-9a-f]{64}\..*cannot be reached/s);
    assert.deepEqual(pauses, [60, 60, 60]);
  });

  it('hears at once that the authority is away before anybody was asked', async () => {
    answers = ['is gone'];
    await assert.rejects(enrolled(), hasCode('UNAVAILABLE', /cannot be reached/));
  });
});
