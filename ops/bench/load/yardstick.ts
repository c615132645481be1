import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';

const SECONDS = 1;

/**
 * What a machine is worth at the moment: how often in a second of one processor it does the bare cryptography of a
 * license, which is to import a key, to verify two P-256 signatures and to make one. Machines of the same name differ by
 * more than two times, so a rate in licenses says little without it.
 */
export function bareLicensesPerSecond(): number {
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const site = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = site.publicKey.export({ format: 'der', type: 'spki' });
  const [info, tbs] = [randomBytes(300), randomBytes(850)];
  const proof = sign('sha256', info, site.privateKey);
  const began = process.cpuUsage();
  let done = 0;
  for (;;) {
    const imported = createPublicKey({ key, format: 'der', type: 'spki' });
    if (!verify('sha256', info, imported, proof)) throw new Error('the request is not signed by its key');
    if (!verify('sha256', tbs, issuer.publicKey, sign('sha256', tbs, issuer.privateKey))) {
      throw new Error('the signature is wrong');
    }
    done += 1;
    const { user, system } = process.cpuUsage(began);
    const seconds = (user + system) / 1e6;
    if (seconds >= SECONDS) return done / seconds;
  }
}
