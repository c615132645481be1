import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TrustAnchors } from '@licet/verify';
import { createSampleApp, PRODUCT } from './app.ts';
import { LicenseWatch } from './licensed.ts';
import { callSecondService } from './second-service.ts';

const USAGE =
  'usage: npm run sample -- --root FILE [--site FOLDER] [--port NUMBER] [--second URL --second-root FILE]\n' +
  '--site: where the agent keeps site.lic and site.key; without it the license is looked for as by every product\n';

async function main(): Promise<number> {
  const { root, site, port, second, 'second-root': secondRoot = root } = options();
  if (root === undefined || (second !== undefined && site === undefined)) {
    process.stderr.write(USAGE);
    return 64;
  }
  const search = site === undefined ? {} : { license: join(site, 'site.lic') };
  const anchors = TrustAnchors.fromPem(readFileSync(root, 'utf8'));
  const license = new LicenseWatch({ ...search, anchors, product: PRODUCT }, () => new Date());
  const serverRoot = readFileSync(secondRoot ?? root, 'utf8');
  const callSecond =
    second === undefined || site === undefined ? undefined : () => callSecondService(second, site, serverRoot);
  const server = createSampleApp(license, callSecond).listen(Number(port), '127.0.0.1');
  await once(server, 'listening');
  process.stdout.write(`The sample listens at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
  return 0;
}

function options() {
  const text = { type: 'string' } as const;
  const known = { root: text, site: text, port: { ...text, default: '3000' }, second: text, 'second-root': text };
  return parseArgs({ options: known, strict: true }).values;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`sample: ${(error as Error).message}\n`);
  process.exitCode = 66;
}
