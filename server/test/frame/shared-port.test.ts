import assert from 'node:assert/strict';
import { createListener } from '../../http/listener.ts';
import { loadConfig } from '../../config/index.ts';
import { openPlain } from '../../wiring/listeners.ts';
import { freePort } from './served.ts';

const TIMEOUTS = { headersSeconds: 5, requestSeconds: 30, keepAliveSeconds: 5, handshakeSeconds: 5 };
const LIMITS = { headerBytes: 8192, connections: 100 };

describe('a port that several processes share', () => {
  it('gives each of them a share of the connections, and all to the one that is left', async () => {
    const port = await freePort();
    const [first, second] = ['first', 'second'].map((name) =>
      createListener((_, response) => void response.end(name), { limits: LIMITS, timeouts: TIMEOUTS, sharePort: true }),
    );
    const url = await first!.listen('127.0.0.1', port);
    await second!.listen('127.0.0.1', port);
    try {
      const answers = await Promise.all(Array.from({ length: 64 }, () => ask(url)));
      assert.deepEqual(new Set(answers), new Set(['first', 'second']));
      await first!.drain(1000);
      const later = await Promise.all(Array.from({ length: 16 }, () => ask(url)));
      assert.deepEqual(new Set(later), new Set(['second']));
    } finally {
      await first!.drain(0);
      await second!.drain(0);
    }
  });

  it('takes no other process in that was not told to share', async () => {
    const port = await freePort();
    const [shared, other] = [true, false].map((sharePort) =>
      createListener(() => undefined, { limits: LIMITS, timeouts: TIMEOUTS, sharePort }),
    );
    await shared!.listen('127.0.0.1', port);
    await assert.rejects(other!.listen('127.0.0.1', port), { code: 'EADDRINUSE' });
    await shared!.drain(0);
  });

  it('is opened by the plain listener when that can serve: until then those who ask are for the others', async () => {
    const port = await freePort();
    const argv = ['--http.sharePort', 'true', '--http.plain.port', String(port)];
    const { config } = await loadConfig({ argv, env: {}, directory: import.meta.dirname });
    const plain = await openPlain({ config });
    await assert.rejects(ask(`http://127.0.0.1:${port}`));
    await plain.serve((_, response) => void response.end('served'));
    assert.equal(await ask(`http://127.0.0.1:${port}`), 'served');
    await plain.close();
  });
});

/** Each over a connection of its own. */
async function ask(url: string): Promise<string> {
  return (await fetch(url, { headers: { Connection: 'close' } })).text();
}
