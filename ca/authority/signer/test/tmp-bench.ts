import { startSigner } from '../supervisor.ts';
import { createHierarchy, licenseTbs } from './hierarchy.ts';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { openSigner } from '../open.ts';
const folder = mkdtempSync('/tmp/licet-p11/b-');
writeFileSync(folder + '/pass', 'hello\n');
const t0 = performance.now();
const s = await startSigner({ folder, vault: { kind: 'file', passphraseFile: folder + '/pass' } });
console.log('start', performance.now() - t0);
const h = await createHierarchy(s.signer);
const bytes = licenseTbs();
console.log('tbs', bytes.length);
async function run(signer: any, n: number, batch: number, ms: number) {
  const end = performance.now() + ms; let c = 0; const lat: number[] = [];
  await Promise.all(Array.from({ length: n }, async () => { while (performance.now() < end) { const t = performance.now(); await signer.sign(Array.from({length: batch}, () => ({ key: h.enterprise.id, kind: 'certificate', bytes }))); lat.push(performance.now() - t); c += batch; } }));
  lat.sort((a, b) => a - b);
  console.log(n, 'x', batch, Math.round(c / ms * 1000), '/s p50', lat[lat.length >> 1], 'p99', lat[Math.floor(lat.length * .99)]);
}
for (const [n, b] of [[1, 1], [64, 1], [64,1], [1, 64], [4, 64]]) await run(s.signer, n!, b!, 1500);
await s.close();
const local = await openSigner({ folder, clock: { now: () => new Date() }, keys: { passphrase: Buffer.from('hello') } });
for (const [n, b] of [[1, 1], [64, 1], [4, 64]]) await run(local, n!, b!, 1500);
await local.close();
