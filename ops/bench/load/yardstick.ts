import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';

const SECONDS = 1;

/** A request for a license, taken apart before. */
export type BareRequest = { readonly key: Buffer; readonly info: Uint8Array; readonly signature: Uint8Array };
export type BareIssuer = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** The cryptography of a license and nothing else: a key is imported, two signatures are verified, one is made. */
export function bareLicense({ key, info, signature }: BareRequest, issuer: BareIssuer, tbs: Uint8Array): void {
  const imported = createPublicKey({ key, format: 'der', type: 'spki' });
  if (!verify('sha256', info, imported, signature)) throw new Error('the request is not signed by its key');
  if (!verify('sha256', tbs, issuer.publicKey, sign('sha256', tbs, issuer.privateKey))) {
    throw new Error('the signature is wrong');
  }
}

/**
 * What a machine is worth at the moment: how often in a second of one processor it does the bare cryptography of a
 * license with P-256. Machines of the same name differ by more than two times, so a rate in licenses says little without
 * it.
 */
export function bareLicensesPerSecond(): number {
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const site = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = site.publicKey.export({ format: 'der', type: 'spki' });
  const [info, tbs] = [randomBytes(300), randomBytes(850)];
  const request = { key, info, signature: sign('sha256', info, site.privateKey) };
  const began = process.cpuUsage();
  let done = 0;
  for (;;) {
    bareLicense(request, issuer, tbs);
    done += 1;
    const { user, system } = process.cpuUsage(began);
    const seconds = (user + system) / 1e6;
    if (seconds >= SECONDS) return done / seconds;
  }
}
