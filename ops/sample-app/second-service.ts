import { request } from 'node:https';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Calls another service of the vendor with the license as TLS client certificate: `site.lic` and `site.key` as the agent
 * keeps them. They are read for each call, so a renewal needs no restart.
 */
export async function callSecondService(url: string, siteFolder: string, serverRoot: string): Promise<string> {
  const [cert, key] = await Promise.all(
    ['site.lic', 'site.key'].map((name) => readFile(join(siteFolder, name), 'utf8')),
  );
  return new Promise((resolve, reject) => {
    const call = request(url, { cert, key, ca: serverRoot, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      });
    });
    call.once('error', reject);
    call.end();
  });
}
